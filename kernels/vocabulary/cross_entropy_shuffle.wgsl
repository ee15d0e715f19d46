// First half of the cross-entropy of hidden states and vocabulary matrix (cross_entropy_plain.wgsl), for software drivers.
// A workgroup has ROWS rows and goes through its quads of ids tile by tile, each lane with a loss of its own for every
// row: so no barriers.
//! import lib/index.wgsl
//! import lib/vocabulary_loss.wgsl
//! import lib/vocabulary_shuffle.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const QUADS = 2u;

@compute @workgroup_size(WORKGROUP)
fn linear_cross_entropy_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let span = span_of(linear_workgroup(workgroup, workgroups), params.rows, ROWS);
  let end_row = min(span.first_row + ROWS, params.rows);
  if (span.begin >= span.end) { return; }

  var losses: array<Loss, ROWS>;
  for (var r = 0u; r < ROWS; r++) { losses[r] = no_loss(); }
  for (var first = span.begin; first < span.end; first += QUADS * WORKGROUP) {
    var logits = tile_product(span.first_row, params.rows, first, local, lane, lanes);
    for (var row = span.first_row; row < end_row; row++) {
      let r = row - span.first_row;
      for (var q = 0u; q < QUADS; q++) {
        losses[r] = with_quad(losses[r], logits[r][q], first + q * WORKGROUP + local, targets[row]);
      }
    }
  }
  let part = params.first_part + span.split * WORKGROUP + local;
  for (var row = span.first_row; row < end_row; row++) {
    partials[row * params.parts + part] = losses[row - span.first_row];
  }
}
