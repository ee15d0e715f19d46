// Gradient of the softmax y over the last axis, or of its logarithm y, with g the gradient of y:
//   out[r, c] = y[r, c] (g[r, c] - sum_k g[r, k] y[r, k])
//   out[r, c] = g[r, c] - exp(y[r, c]) sum_k g[r, k]         with LOG
// One invocation a row.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;   // elements that are added up by themselves
const LOG = false;
alias Element = f32;

struct Params { rows: u32, columns: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> output: array<Element>;      // (rows, columns): y
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (rows, columns): g
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (rows, columns)

@compute @workgroup_size(WORKGROUP)
fn softmax_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var sum = 0.0;
  for (var block = start; block < end; block += BLOCK) {
    var part = 0.0;
    for (var i = block; i < min(block + BLOCK, end); i++) {
      part = fma(f32(gradient[i]), select(f32(output[i]), 1.0, LOG), part);
    }
    sum += part;
  }

  for (var i = start; i < end; i++) {
    let y = f32(output[i]);
    let g = f32(gradient[i]);
    out[i] = Element(select(y * (g - sum), g - exp(y) * sum, LOG));
  }
}
