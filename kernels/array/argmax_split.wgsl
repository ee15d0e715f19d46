// First half of an argmax over long rows: each of `lanes` invocations to a row takes the columns lane,
// lane + lanes, ..., and notes its best one, so that neighbours read neighbouring elements.
// One invocation a (row, lane). The second half is argmax_merge.wgsl.
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { rows: u32, columns: u32, lanes: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;               // (rows, columns)
@group(0) @binding(1) var<storage, read_write> partials: array<vec2u>;    // (rows, lanes): key, column

@compute @workgroup_size(WORKGROUP)
fn argmax_of_lane(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.rows * params.lanes) { return; }
  let start = i / params.lanes * params.columns;
  let lane = i % params.lanes;

  // There are no more lanes than columns, so each has a first element.
  var best = vec2u(order_key(f32(x[start + lane])), lane);
  for (var c = lane + params.lanes; c < params.columns; c += params.lanes) {
    let key = order_key(f32(x[start + c]));
    if (key > best.x) { best = vec2u(key, c); }
  }
  partials[i] = best;
}
