// First half of the choice of tokens from hidden states and vocabulary matrix (candidates_plain.wgsl), for GPUs.
// A workgroup of 16 x 16 invocations has TILE_ROWS rows and goes through its quads of ids tile by tile, each invocation
// with a choice of its own for each of its ROWS rows; the 16 of a row are put together at the end. Rows of which none
// takes part are passed over.
//! import lib/index.wgsl
//! import lib/vocabulary_choice.wgsl
//! import lib/vocabulary_tiled.wgsl

const ROWS = 4u;   // of an invocation

var<workgroup> choices_of_row: array<Choice, SIDE * SIDE>;   // [row][x]

@compute @workgroup_size(SIDE, SIDE)
fn token_choices_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let rows = params.batch * params.rows;
  let span = span_of(linear_workgroup(workgroup, workgroups), rows, TILE_ROWS);
  let end_row = min(span.first_row + TILE_ROWS, rows);
  if (span.begin >= span.end || !any_takes_part(span.first_row, end_row)) { return; }

  var choices: array<Choice, ROWS>;
  for (var r = 0u; r < ROWS; r++) { choices[r] = no_choice(); }
  for (var first = span.begin; first < span.end; first += SIDE) {
    var logits = tile_product(span.first_row, rows, first, id.xy);
    for (var row = span.first_row + id.y; row < end_row; row += SIDE) {
      let place = place_of(row, params.temperature);
      if (place.role == IDLE) { continue; }
      let r = (row - span.first_row) / SIDE;
      choices[r] = with_quad(choices[r], logits[r], first + id.x, first_word_of(row), place);
    }
  }

  for (var first_row = span.first_row; first_row < end_row; first_row += SIDE) {
    var choice = choices[(first_row - span.first_row) / SIDE];
    choices_of_row[local] = choice;
    workgroupBarrier();
    let row = first_row + id.y;
    if (id.x == 0 && row < end_row) {
      for (var other = local + 1; other < local + SIDE; other++) { choice = merged(choice, choices_of_row[other]); }
      partials[row * params.parts + params.first_part + span.split] = choice;
    }
    workgroupBarrier();
  }
}
