// First half of the choice of tokens from hidden states h and vocabulary matrix W, without their logits in memory:
//   l_v = h . W_v,   with guidance h = u + (scale + 1) (c - u) of the hidden states c with the condition and u without,
// which is the same as guiding the logits, for these are linear in h. What is chosen from them and how:
// lib/token_choice.wgsl, lib/allowed_ids.wgsl. One invocation a row (B R of them), for all ids of the window.
// The second half is sampling/candidates_merge.wgsl.
//! import lib/index.wgsl
//! import lib/vocabulary_choice.wgsl
//! import lib/vocabulary_plain.wgsl

const WORKGROUP = 64u;
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
fn token_choices(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let rows = params.batch * params.rows;
  let span = span_of(linear_workgroup(workgroup, workgroups), rows, WORKGROUP);
  let row = span.first_row + local;
  if (row >= rows) { return; }
  let place = place_of(row, params.temperature);
  if (place.role == IDLE) { return; }

  let first_word = first_word_of(row);
  var choice = no_choice();
  for (var quad = span.begin; quad < span.end; quad++) {
    choice = with_quad(choice, logits_of(row, quad), quad, first_word, place);
  }
  partials[row * params.parts + params.first_part + span.split] = choice;
}
