// Second half of an argmax over long rows: the best of the lanes' notes, the lowest column where several
// are equal, so that the answer does not depend on the number of lanes. One invocation a row.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { rows: u32, lanes: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<vec2u>;   // (rows, lanes): key, column
@group(0) @binding(1) var<storage, read_write> out: array<u32>;    // (rows)

@compute @workgroup_size(WORKGROUP)
fn argmax_of_row(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.lanes;
  var best = partials[start];
  for (var lane = 1u; lane < params.lanes; lane++) {
    let other = partials[start + lane];
    if (other.x > best.x || (other.x == best.x && other.y < best.y)) { best = other; }
  }
  out[row] = best.y;
}
