// The candidate token of each masked position and the confidence in it (lib/token_choice.wgsl); of a position
// that has a token, that token, and with RESCORE its probability under the logits of now. Positions that take
// no part in the step (lib/decoding.wgsl) get their token and the lowest confidence.
// Logits may be guided, and ids may be barred by bit masks; the mask itself is never a candidate.
// The logits belong to the last R positions of the sequences. One invocation a row of the logits.
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
  let place = place_of(row, params.temperature);

  var choice = no_choice();
  if (place.role != IDLE) {
    let first_word = first_word_of(row);
    let quads = (params.columns + 3u) / 4u;
    for (var first = 0u; first < quads; first += BLOCK) {
      var block = no_choice();
      for (var quad = first; quad < min(first + BLOCK, quads); quad++) {
        let l = logits_of(row, quad, first_word);
        block = with_tokens(block, 4u * quad, l, perturbed(l, quad, place));
      }
      choice = merged(choice, block);
    }
  }
  candidates[row] = select(choice.id, place.token, choice.id == NO_TOKEN);
  confidence[row] = confidence_of(choice, place);
}

/// The logits of the ids 4 quad .. 4 quad + 3, those that are barred or beyond the vocabulary as BANNED.
fn logits_of(row: u32, quad: u32, first_word: u32) -> vec4f {
  var found = vec4f(BANNED);
  for (var j = 0u; j < 4u; j++) {
    let id = 4u * quad + j;
    if (id >= params.columns) { continue; }
    let i = row * params.columns + id;
    var l = vec4f(f32(logits[i]));
    if (GUIDED) { l = guided(l, vec4f(f32(unconditional[i])), params.guidance_scale); }
    found[j] = usable(l).x;
  }
  return allowed_only(found, quad, first_word);
}
