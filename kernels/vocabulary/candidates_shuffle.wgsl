// First half of the choice of tokens from hidden states and vocabulary matrix (candidates_plain.wgsl), for software
// drivers. A workgroup has ROWS rows and goes through its quads of ids tile by tile, each lane with a choice of its own
// for every row: so no barriers. Rows of which none takes part are passed over.
//! import lib/index.wgsl
//! import lib/vocabulary_choice.wgsl
//! import lib/vocabulary_shuffle.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const QUADS = 2u;

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
