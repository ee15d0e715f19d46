// First half of what candidates_plain.wgsl computes, for V a multiple of 4: each of `lanes` invocations to a
// row sees the quads of ids lane, lane + lanes, ..., so that neighbours read neighbouring logits.
// One invocation a (row, lane). The second half is candidates_merge.wgsl.
//! import lib/decoding.wgsl
//! import lib/index.wgsl
//! import lib/token_choice.wgsl

const WORKGROUP = 64u;
const GUIDED = false;
const HAS_ALLOWED = false;
const MANY_MASKS = false;
alias Element = f32;

struct Params {
  batch: u32,          // B
  length: u32,         // L
  rows: u32,           // R
  columns: u32,        // V
  lanes: u32,
  start: u32,
  block_length: u32,
  mask_id: u32,
  temperature: f32,
  guidance_scale: f32,
  mask_stride: u32,    // R, or 0 where all sequences share the choice of masks
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<vec4<Element>>;           // (B, R, V / 4)
@group(0) @binding(1) var<storage, read> unconditional: array<vec4<Element>>;    // (B, R, V / 4) with GUIDED
@group(0) @binding(2) var<storage, read> tokens: array<u32>;                     // (B, L)
@group(0) @binding(3) var<storage, read> state: Decoding;
@group(0) @binding(4) var<storage, read> allowed: array<u32>;              // (M, ceil(V / 32)) with HAS_ALLOWED
@group(0) @binding(5) var<storage, read> mask_index: array<u32>;           // (R) or (B, R) with MANY_MASKS
@group(0) @binding(6) var<storage, read_write> partials: array<Choice>;    // (B, R, lanes)

@compute @workgroup_size(WORKGROUP)
fn token_choices_of_lane(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = i / params.lanes;
  if (row >= params.batch * params.rows) { return; }
  let batch = row / params.rows;
  let position = params.length - params.rows + row % params.rows;
  let token = tokens[batch * params.length + position];
  let end = block_end(state.block, params.start, params.block_length, params.length);
  let place = Place(
    role_of(position, token == params.mask_id, params.start, end),
    token,
    params.temperature,
    vec3u(position, batch, state.step + 1u),
    vec2u(state.seed_low, state.seed_high),
  );
  if (place.role == IDLE) { return; }

  let quads = params.columns / 4u;
  let first_word = mask_of(row) * ((params.columns + 31u) / 32u);
  var choice = no_choice();
  for (var quad = i % params.lanes; quad < quads; quad += params.lanes) {
    var l = vec4f(logits[row * quads + quad]);
    if (GUIDED) { l = guided(l, vec4f(unconditional[row * quads + quad]), params.guidance_scale); }
    l = usable(l);
    if (HAS_ALLOWED) { l = select(vec4f(BANNED), l, permitted(quad, first_word)); }
    if (quad == params.mask_id / 4u) { l[params.mask_id % 4u] = BANNED; }
    choice = with_tokens(choice, 4u * quad, l, perturbed(l, quad, place));
  }
  partials[i] = choice;
}

/// Which of the ids 4 quad .. 4 quad + 3 may be chosen.
fn permitted(quad: u32, first_word: u32) -> vec4<bool> {
  let bits = allowed[first_word + quad / 8u] >> (4u * (quad % 8u));
  return (vec4u(bits) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u);
}

/// Which of the masks a row of the logits uses.
fn mask_of(row: u32) -> u32 {
  if (!MANY_MASKS) { return 0u; }
  return mask_index[row / params.rows * params.mask_stride + row % params.rows];
}
