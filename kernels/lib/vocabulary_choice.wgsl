// What the kernels that choose tokens by hidden states and vocabulary matrix do with a tile's logits.
// The kernel declares what lib/candidate_row.wgsl, lib/allowed_ids.wgsl and lib/vocabulary.wgsl want.
//! import lib/allowed_ids.wgsl
//! import lib/candidate_row.wgsl
//! import lib/vocabulary.wgsl

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
