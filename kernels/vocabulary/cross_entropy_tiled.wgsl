// First half of the cross-entropy of hidden states and vocabulary matrix (cross_entropy_plain.wgsl), for GPUs.
// A workgroup of 16 x 16 invocations has TILE_ROWS rows and goes through its quads of ids tile by tile, each invocation
// with a loss of its own for each of its ROWS rows; the 16 of a row are put together at the end.
//! import lib/index.wgsl
//! import lib/vocabulary_loss.wgsl
//! import lib/vocabulary_tiled.wgsl

const ROWS = 4u;   // of an invocation

var<workgroup> losses_of_row: array<Loss, SIDE * SIDE>;   // [row][x]

@compute @workgroup_size(SIDE, SIDE)
fn linear_cross_entropy_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let span = span_of(linear_workgroup(workgroup, workgroups), params.rows, TILE_ROWS);
  let end_row = min(span.first_row + TILE_ROWS, params.rows);
  if (span.begin >= span.end) { return; }

  var losses: array<Loss, ROWS>;
  for (var r = 0u; r < ROWS; r++) { losses[r] = no_loss(); }
  for (var first = span.begin; first < span.end; first += SIDE) {
    var logits = tile_product(span.first_row, params.rows, first, id.xy);
    for (var row = span.first_row + id.y; row < end_row; row += SIDE) {
      let r = (row - span.first_row) / SIDE;
      losses[r] = with_quad(losses[r], logits[r], first + id.x, targets[row]);
    }
  }

  for (var first_row = span.first_row; first_row < end_row; first_row += SIDE) {
    var loss = losses[(first_row - span.first_row) / SIDE];
    losses_of_row[local] = loss;
    workgroupBarrier();
    let row = first_row + id.y;
    if (id.x == 0 && row < end_row) {
      for (var other = local + 1; other < local + SIDE; other++) { loss = joined(loss, losses_of_row[other]); }
      partials[row * params.parts + params.first_part + span.split] = loss;
    }
    workgroupBarrier();
  }
}
