// The sum of squares of a gradient in `parts` parts, each by one invocation, which takes every `parts`-th element:
//   out[first + p] = sum_j gradient[p + j parts]^2
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 256u;   // elements that are added up by themselves

struct Params { count: u32, parts: u32, first: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<f32>;       // (count)
@group(0) @binding(1) var<storage, read_write> out: array<f32>;      // the parts of all gradients

@compute @workgroup_size(WORKGROUP)
fn squared_parts(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let part = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (part >= params.parts) { return; }
  var sum = 0.0;
  for (var block = part; block < params.count; block += BLOCK * params.parts) {
    var own = 0.0;
    for (var i = block; i < min(block + BLOCK * params.parts, params.count); i += params.parts) {
      own = fma(gradient[i], gradient[i], own);
    }
    sum += own;
  }
  out[params.first + part] = sum;
}
