// First half of what candidates_plain.wgsl computes, for V a multiple of 4: each of `lanes` invocations to a
// row sees the quads of ids lane, lane + lanes, ..., so that neighbours read neighbouring logits.
// One invocation a (row, lane). The second half is candidates_merge.wgsl.
//! import lib/allowed_ids.wgsl
//! import lib/candidate_row.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 512u;   // quads that are taken together, so that rounding errors do not grow with the vocabulary
const GUIDED = false;
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
  let place = place_of(row, params.temperature);
  if (place.role == IDLE) { return; }

  let quads = params.columns / 4u;
  let first_word = first_word_of(row);
  var choice = no_choice();
  for (var first = i % params.lanes; first < quads; first += BLOCK * params.lanes) {
    var block = no_choice();
    for (var quad = first; quad < min(first + BLOCK * params.lanes, quads); quad += params.lanes) {
      var l = vec4f(logits[row * quads + quad]);
      if (GUIDED) { l = guided(l, vec4f(unconditional[row * quads + quad]), params.guidance_scale); }
      l = allowed_only(usable(l), quad, first_word);
      block = with_tokens(block, 4u * quad, l, perturbed(l, quad, place));
    }
    choice = merged(choice, block);
  }
  partials[i] = choice;
}
