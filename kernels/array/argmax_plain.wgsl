// Index of the largest element of each row, the lowest where several are equal:
//   out[r] = min { c : x[r, c] = max_c x[r, c] }
// NaN counts as less than everything. One invocation a row.
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { rows: u32, columns: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;        // (rows, columns)
@group(0) @binding(1) var<storage, read_write> out: array<u32>;    // (rows)

@compute @workgroup_size(WORKGROUP)
fn argmax(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.columns;

  var best = 0u;
  var key = order_key(f32(x[start]));
  for (var c = 1u; c < params.columns; c++) {
    let other = order_key(f32(x[start + c]));
    if (other > key) {
      key = other;
      best = c;
    }
  }
  out[row] = best;
}
