// Gradient of the softmax or its logarithm, as in softmax_gradient_plain.wgsl: one workgroup a row, whose invocations take
// neighbouring columns.
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16
const BLOCK = 256u;       // elements of an invocation that are added up by themselves
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
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var own = 0.0;
  for (var block = start + local; block < end; block += BLOCK * WORKGROUP) {
    var part = 0.0;
    for (var i = block; i < min(block + BLOCK * WORKGROUP, end); i += WORKGROUP) {
      part = fma(f32(gradient[i]), select(f32(output[i]), 1.0, LOG), part);
    }
    own += part;
  }
  let sum = total(vec2f(own, 0.0), local).x;

  for (var i = start + local; i < end; i += WORKGROUP) {
    let y = f32(output[i]);
    let g = f32(gradient[i]);
    out[i] = Element(select(y * (g - sum), g - exp(y) * sum, LOG));
  }
}
