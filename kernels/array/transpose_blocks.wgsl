// Transposition of a batch of matrices, which may be parts of larger ones:
//   out[b, c, r] = x[offset + b x_batch + r x_row + c]
// One invocation a block of 4 x 4, in registers. All lengths are in vectors of four but `rows` and `columns`, which
// count blocks.
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = u32;

struct Params { rows: u32, columns: u32, batches: u32, offset: u32, x_batch: u32, x_row: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Element>>;   // (batches, 4 columns, rows)

@compute @workgroup_size(WORKGROUP)
fn transpose(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = index % params.rows;
  let column = index / params.rows % params.columns;
  let batch = index / (params.rows * params.columns);
  if (batch >= params.batches) { return; }

  let start = params.offset + batch * params.x_batch + row * 4 * params.x_row + column;
  let p = x[start];
  let q = x[start + params.x_row];
  let r = x[start + 2 * params.x_row];
  let s = x[start + 3 * params.x_row];
  let end = (batch * params.columns + column) * 4 * params.rows + row;
  out[end] = vec4<Element>(p.x, q.x, r.x, s.x);
  out[end + params.rows] = vec4<Element>(p.y, q.y, r.y, s.y);
  out[end + 2 * params.rows] = vec4<Element>(p.z, q.z, r.z, s.z);
  out[end + 3 * params.rows] = vec4<Element>(p.w, q.w, r.w, s.w);
}
