// First half of the choice of tokens from hidden states h and vocabulary matrix W, without their logits in memory:
//   l_v = h . W_v,   with guidance h = u + (scale + 1) (c - u) of the hidden states c with the condition and u without,
// which is the same as guiding the logits, for these are linear in h. What is chosen from them and how:
// lib/token_choice.wgsl, lib/allowed_ids.wgsl. One invocation a row (B R of them), for all ids of the window.
// The second half is sampling/candidates_merge.wgsl.
//! import lib/index.wgsl
//! import lib/vocabulary_choice.wgsl
//! import lib/vocabulary_plain.wgsl

const WORKGROUP = 64u;

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
