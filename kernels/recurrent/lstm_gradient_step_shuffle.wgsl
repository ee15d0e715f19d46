// One step back through a long short-term memory layer for software drivers; the formula is that of
// lstm_gradient_step_plain.wgsl.
// There a storage load costs far more than a multiply-add. So a lane computes one hidden unit for ROWS batch rows, with
// the sums in registers: for each chunk of k lane l loads dz[row, k + l] of every row, subgroupShuffle hands them round,
// and each weight is loaded once for all rows. Every subgroup of the workgroup has its own copy of that chunk, and the
// chunk is as long as the subgroup has lanes: no subgroup size is assumed.
enable subgroups;
//! import lib/index.wgsl
//! import lib/lstm_gradient.wgsl

const WORKGROUP = 8u;   // a multiple of the subgroup size where it is known
const ROWS = 8u;

@compute @workgroup_size(WORKGROUP)
fn lstm_gradient_step_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let hidden = params.hidden;
  let unit_tiles = (hidden + WORKGROUP - 1) / WORKGROUP;
  let row_tiles = (params.batch + ROWS - 1) / ROWS;
  let tile = linear_workgroup(workgroup, workgroups);
  let direction = tile / unit_tiles / row_tiles;
  if (direction >= params.directions) { return; }
  let first_row = tile / unit_tiles % row_tiles * ROWS;
  let unit = tile % unit_tiles * WORKGROUP + local;

  // Units and rows beyond the edge repeat the last one, and rows without a step after take their first: not used.
  var after: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    let row = min(first_row + r, params.batch - 1);
    let length = length_of(row);
    let step = select(0u, params.state, params.state < length);
    after[r] = place_of(row, direction, step, max(length, 1)) * 4 * hidden;
  }
  let column = min(unit, hidden - 1);
  let lanes = subgroupAdd(1u);
  var sums: array<f32, ROWS>;
  for (var k = 0u; k < 4 * hidden; k += lanes) {
    var chunk: array<f32, ROWS>;
    for (var r = 0u; r < ROWS; r++) { chunk[r] = gates[after[r] + min(k + lane, 4 * hidden - 1)]; }

    let steps = min(lanes, 4 * hidden - k);
    for (var j = 0u; j < steps; j++) {
      let w = weight[(direction * 4 * hidden + k + j) * hidden + column];
      for (var r = 0u; r < ROWS; r++) { sums[r] = fma(w, subgroupShuffle(chunk[r], j), sums[r]); }
    }
  }
  if (unit >= hidden) { return; }

  // A copy for the loop below, which is long and must not be unrolled: sums, indexed there, would leave the registers.
  var recurrent = sums;
  let rows = min(ROWS, params.batch - first_row);
  for (var r = 0u; r < rows; r++) { step_back(first_row + r, direction, unit, recurrent[r]); }
}
