// The k largest elements of each row in descending order, with their columns; of equal ones the lower
// column first. NaN counts as less than everything.
// One invocation a row, k passes over it: each finds the first element after the one found before.
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { rows: u32, columns: u32, k: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;              // (rows, columns)
@group(0) @binding(1) var<storage, read_write> values: array<Element>;   // (rows, k)
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;      // (rows, k)

@compute @workgroup_size(WORKGROUP)
fn top_k(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.columns;

  var last_key = 0xffffffffu;   // above the key of any number
  var last = 0u;
  for (var place = 0u; place < params.k; place++) {
    var best_key = 0u;
    var best = 0xffffffffu;
    for (var c = 0u; c < params.columns; c++) {
      let key = order_key(f32(x[start + c]));
      let is_after = key < last_key || (key == last_key && c > last);
      if (is_after && (best == 0xffffffffu || key > best_key)) {
        best_key = key;
        best = c;
      }
    }
    values[row * params.k + place] = x[start + best];
    indices[row * params.k + place] = best;
    last_key = best_key;
    last = best;
  }
}
