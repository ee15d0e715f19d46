// One time step of a long short-term memory layer, all its directions at once, for software drivers; the formula and
// the treatment of lengths are those of lstm_step_plain.wgsl.
// There a storage load costs far more than a multiply-add. So a lane computes one hidden unit for ROWS batch rows, with
// the sums in registers: for each chunk of k lane l loads h[row, k + l] of every row, subgroupShuffle hands them round,
// and each weight is loaded once for all rows. Every subgroup of the workgroup has its own copy of that chunk, and the
// chunk is as long as the subgroup has lanes: no subgroup size is assumed.
enable subgroups;
//! import lib/index.wgsl
//! import lib/lstm_step.wgsl

const WORKGROUP = 8u;   // a multiple of the subgroup size where it is known
const ROWS = 8u;

@compute @workgroup_size(WORKGROUP)
fn lstm_step_shuffle(
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

  // Units and rows beyond the edge repeat the last one; they are not stored.
  let gate_start = direction * 4 * hidden + min(unit, hidden - 1);
  var sums: array<vec4f, ROWS>;
  if (params.has_previous != 0) {
    var h_start: array<u32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      h_start[r] = (min(first_row + r, params.batch - 1) * params.directions + direction) * hidden;
    }
    let lanes = subgroupAdd(1u);
    for (var k = 0u; k < hidden; k += lanes) {
      var h_chunk: array<f32, ROWS>;
      for (var r = 0u; r < ROWS; r++) { h_chunk[r] = previous[h_start[r] + min(k + lane, hidden - 1)]; }

      let steps = min(lanes, hidden - k);
      for (var j = 0u; j < steps; j++) {
        var weights: vec4f;
        for (var gate = 0u; gate < 4; gate++) {
          weights[gate] = f32(weight[(gate_start + gate * hidden) * hidden + k + j]);
        }
        for (var r = 0u; r < ROWS; r++) {
          sums[r] = fma(weights, vec4f(subgroupShuffle(h_chunk[r], j)), sums[r]);
        }
      }
    }
  }
  if (unit >= hidden) { return; }

  // A copy for the loop below, which is long and must not be unrolled: sums, indexed there, would leave the registers.
  var row_gates: array<vec4f, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    for (var gate = 0u; gate < 4; gate++) {
      row_gates[r][gate] = sums[r][gate] + f32(bias[gate_start + gate * hidden]);
    }
  }
  let states = params.batch * params.directions * hidden;
  let rows = min(ROWS, params.batch - first_row);
  for (var r = 0u; r < rows; r++) {
    let row = first_row + r;
    var length = params.time;
    if (params.has_lengths != 0) { length = min(length, lengths[row]); }

    let i = (row * params.directions + direction) * hidden + unit;
    var state = vec2f();   // h and c
    if (params.has_previous != 0) { state = vec2f(previous[i], previous[states + i]); }
    var t = params.step;
    var output = 0.0;
    if (params.step < length) {
      if (direction == 1) { t = length - 1 - params.step; }
      let x_start = (row * params.time + t) * 4 * hidden + unit;
      var gates = row_gates[r];
      for (var gate = 0u; gate < 4; gate++) {
        let x_index = x_start + gate * hidden;
        if (direction == 0) { gates[gate] += x[x_index]; } else { gates[gate] += x_reverse[x_index]; }
      }
      state = lstm_cell(gates, state.y);
      output = state.x;
    }
    next[i] = state.x;
    next[states + i] = state.y;
    out[((row * params.time + t) * params.directions + direction) * hidden + unit] = Element(output);
  }
}
