// Gradient of the softmax or its logarithm, as in softmax_gradient_plain.wgsl, for software drivers: one workgroup of one
// subgroup a row, four columns a load. Should a device make it several subgroups, each computes the sum for itself and
// they share the writing.
enable subgroups;
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size
const BLOCK = 256u;   // vectors of a lane that are added up by themselves
const LOG = false;
alias Element = f32;

struct Params { rows: u32, columns: u32 }   // columns is of vectors
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> output: array<vec4<Element>>;      // (rows, columns): y
@group(0) @binding(1) var<storage, read> gradient: array<vec4<Element>>;    // (rows, columns): g
@group(0) @binding(2) var<storage, read_write> out: array<vec4<Element>>;   // (rows, columns)

@compute @workgroup_size(WORKGROUP)
fn softmax_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var sums = vec4f();
  for (var block = start + lane; block < end; block += BLOCK * lanes) {
    var part = vec4f();
    for (var i = block; i < min(block + BLOCK * lanes, end); i += lanes) {
      part = fma(vec4f(gradient[i]), select(vec4f(output[i]), vec4f(1.0), LOG), part);
    }
    sums += part;
  }
  let sum = subgroupAdd(dot(sums, vec4f(1.0)));

  for (var i = start + local; i < end; i += WORKGROUP) {
    let y = vec4f(output[i]);
    let g = vec4f(gradient[i]);
    out[i] = vec4<Element>(select(y * (g - sum), g - exp(y) * sum, LOG));
  }
}
