// What the kernels that choose tokens by hidden states and vocabulary matrix take, and what they do with a tile's logits.
//! import lib/allowed_ids.wgsl
//! import lib/candidate_row.wgsl
//! import lib/vocabulary.wgsl

const GUIDED = false;

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
@group(0) @binding(0) var<storage, read> hidden: array<Packed>;           // (B, R, d / WIDTH)
@group(0) @binding(1) var<storage, read> unconditional: array<Packed>;    // (B, R, d / WIDTH) with GUIDED
@group(0) @binding(2) var<storage, read> weight: array<Packed>;           // (ids, d / WIDTH)
@group(0) @binding(3) var<storage, read> tokens: array<u32>;              // (B, L)
@group(0) @binding(4) var<storage, read> state: Decoding;
@group(0) @binding(5) var<storage, read> allowed: array<u32>;             // (M, ceil(V / 32)) with HAS_ALLOWED
@group(0) @binding(6) var<storage, read> mask_index: array<u32>;          // (R) or (B, R) with MANY_MASKS
@group(0) @binding(7) var<storage, read_write> partials: array<Choice>;   // (B, R, parts)

/// Packed i of the hidden states, in the first WIDTH components.
fn hidden_at(i: u32) -> vec4f {
  let h = vec4f(vec4<Element>(hidden[i]));
  if (!GUIDED) { return h; }
  return guided(h, vec4f(vec4<Element>(unconditional[i])), params.guidance_scale);
}

/// Whether any of these rows takes part in the step.
fn any_takes_part(first_row: u32, end_row: u32) -> bool {
  for (var row = first_row; row < end_row; row++) {
    if (place_of(row, 0.0).role != IDLE) { return true; }
  }
  return false;
}

/// The choice of a row with the logits of a quad seen too; quads must come in ascending order.
fn with_quad(choice: Choice, logits: vec4f, quad: u32, first_word: u32, place: Place) -> Choice {
  let l = select(vec4f(BANNED), allowed_only(usable(logits), quad, first_word), present(quad));
  return with_tokens(choice, 4u * quad, l, perturbed(l, quad, place));
}
