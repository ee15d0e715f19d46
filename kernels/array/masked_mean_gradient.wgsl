// Gradient of the mean with weights of masked_mean.wgsl by x, with g the gradient of the result:
//   out[o, k, i] = mask[o, k] g[o, i] / sum_k mask[o, k],   0 where the weights add up to 0
// One invocation an element of g.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;   // elements that are added up by themselves
alias Element = f32;
alias MaskElement = f32;

struct Params { count: u32, n: u32, inner: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<Element>;    // (outer, inner), `count` elements
@group(0) @binding(1) var<storage, read> mask: array<MaskElement>;    // (outer, n)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (outer, n, inner)

@compute @workgroup_size(WORKGROUP)
fn masked_mean_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let outer = i / params.inner;
  let start = outer * params.n * params.inner + i % params.inner;
  var weights = 0.0;
  for (var block = 0u; block < params.n; block += BLOCK) {
    var part = 0.0;
    for (var k = block; k < min(block + BLOCK, params.n); k++) { part += f32(mask[outer * params.n + k]); }
    weights += part;
  }
  let share = select(f32(gradient[i]) / weights, 0.0, weights == 0.0);
  for (var k = 0u; k < params.n; k++) {
    out[start + k * params.inner] = Element(share * f32(mask[outer * params.n + k]));
  }
}
