// First half of the choice of tokens from hidden states and vocabulary matrix (candidates_plain.wgsl), for software
// drivers. A workgroup has ROWS rows and goes through its quads of ids tile by tile, each lane with a choice of its own
// for every row: so no barriers. Rows of which none takes part are passed over.
//! import lib/index.wgsl
//! import lib/vocabulary_choice.wgsl
//! import lib/vocabulary_shuffle.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const QUADS = 2u;
const GUIDED = false;
alias Element = f32;

struct Params {
  batch: u32,           // B
  length: u32,          // L
  rows: u32,            // R
  columns: u32,         // V
  depth: u32,           // d
  first_id: u32,        // of the window
  ids: u32,             // in the window
  quads_each: u32,
  parts: u32,
  first_part: u32,
  start: u32,
  block_length: u32,
  mask_id: u32,
  temperature: f32,
  guidance_scale: f32,
  mask_stride: u32,     // R, or 0 where all sequences share the choice of masks
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> hidden: array<Element>;          // (B, R, d)
@group(0) @binding(1) var<storage, read> unconditional: array<Element>;   // (B, R, d) with GUIDED
@group(0) @binding(2) var<storage, read> weight: array<Element>;          // (ids, d)
@group(0) @binding(3) var<storage, read> tokens: array<u32>;              // (B, L)
@group(0) @binding(4) var<storage, read> state: Decoding;
@group(0) @binding(5) var<storage, read> allowed: array<u32>;             // (M, ceil(V / 32)) with HAS_ALLOWED
@group(0) @binding(6) var<storage, read> mask_index: array<u32>;          // (R) or (B, R) with MANY_MASKS
@group(0) @binding(7) var<storage, read_write> partials: array<Choice>;   // (B, R, parts)

fn hidden_at(i: u32) -> f32 {
  let h = f32(hidden[i]);
  if (!GUIDED) { return h; }
  return guided(vec4f(h), vec4f(f32(unconditional[i])), params.guidance_scale).x;
}

@compute @workgroup_size(WORKGROUP)
fn token_choices_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let rows = params.batch * params.rows;
  let span = span_of(linear_workgroup(workgroup, workgroups), rows, ROWS);
  let end_row = min(span.first_row + ROWS, rows);
  if (span.begin >= span.end || !any_takes_part(span.first_row, end_row)) { return; }

  var choices: array<Choice, ROWS>;
  for (var r = 0u; r < ROWS; r++) { choices[r] = no_choice(); }
  for (var first = span.begin; first < span.end; first += QUADS * WORKGROUP) {
    var logits = tile_product(span.first_row, rows, first, local, lane, lanes);
    for (var row = span.first_row; row < end_row; row++) {
      let place = place_of(row, params.temperature);
      if (place.role == IDLE) { continue; }
      let r = row - span.first_row;
      let first_word = first_word_of(row);
      for (var q = 0u; q < QUADS; q++) {
        choices[r] = with_quad(choices[r], logits[r][q], first + q * WORKGROUP + local, first_word, place);
      }
    }
  }
  let part = params.first_part + span.split * WORKGROUP + local;
  for (var row = span.first_row; row < end_row; row++) {
    partials[row * params.parts + part] = choices[row - span.first_row];
  }
}
