// The candidate token of each masked position and the confidence in it (lib/token_choice.wgsl); of a position
// that has a token, that token, and with RESCORE its probability under the logits of now. Positions that take
// no part in the step (lib/decoding.wgsl) get their token and the lowest confidence.
// Logits may be guided, and ids may be barred by bit masks; the mask itself is never a candidate.
// The logits belong to the last R positions of the sequences. One invocation a row of the logits.
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
  start: u32,
  block_length: u32,
  mask_id: u32,
  temperature: f32,
  guidance_scale: f32,
  mask_stride: u32,    // R, or 0 where all sequences share the choice of masks
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<Element>;           // (B, R, V)
@group(0) @binding(1) var<storage, read> unconditional: array<Element>;    // (B, R, V) with GUIDED
@group(0) @binding(2) var<storage, read> tokens: array<u32>;               // (B, L)
@group(0) @binding(3) var<storage, read> state: Decoding;
@group(0) @binding(4) var<storage, read> allowed: array<u32>;              // (M, ceil(V / 32)) with HAS_ALLOWED
@group(0) @binding(5) var<storage, read> mask_index: array<u32>;           // (R) or (B, R) with MANY_MASKS
@group(0) @binding(6) var<storage, read_write> candidates: array<u32>;     // (B, R)
@group(0) @binding(7) var<storage, read_write> confidence: array<f32>;     // (B, R)

@compute @workgroup_size(WORKGROUP)
fn token_candidates(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
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

  var choice = no_choice();
  if (place.role != IDLE) {
    let first_word = mask_of(row) * ((params.columns + 31u) / 32u);
    for (var quad = 0u; 4u * quad < params.columns; quad++) {
      let l = logits_of(row, quad, first_word);
      choice = with_tokens(choice, 4u * quad, l, perturbed(l, quad, place));
    }
  }
  candidates[row] = select(choice.id, token, choice.id == NO_TOKEN);
  confidence[row] = confidence_of(choice, place);
}

/// The logits of the ids 4 quad .. 4 quad + 3, those that are barred or beyond the vocabulary as BANNED.
fn logits_of(row: u32, quad: u32, first_word: u32) -> vec4f {
  var found = vec4f(BANNED);
  for (var j = 0u; j < 4u; j++) {
    let id = 4u * quad + j;
    if (id >= params.columns || id == params.mask_id) { continue; }
    if (HAS_ALLOWED) {
      if (((allowed[first_word + id / 32u] >> (id % 32u)) & 1u) == 0u) { continue; }
    }
    let i = row * params.columns + id;
    var l = vec4f(f32(logits[i]));
    if (GUIDED) { l = guided(l, vec4f(f32(unconditional[i])), params.guidance_scale); }
    found[j] = usable(l).x;
  }
  return found;
}

/// Which of the masks a row of the logits uses.
fn mask_of(row: u32) -> u32 {
  if (!MANY_MASKS) { return 0u; }
  return mask_index[row / params.rows * params.mask_stride + row % params.rows];
}
