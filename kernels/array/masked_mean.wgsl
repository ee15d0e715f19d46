// Mean over the middle axis with weights, of a mask say:
//   out[o, i] = sum_k mask[o, k] x[o, k, i] / sum_k mask[o, k],   0 where the weights add up to 0
// One invocation an element of the output.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;   // elements that are added up by themselves
alias Element = f32;
alias MaskElement = f32;

struct Params { count: u32, n: u32, inner: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (outer, n, inner)
@group(0) @binding(1) var<storage, read> mask: array<MaskElement>;    // (outer, n)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (outer, inner), `count` elements

@compute @workgroup_size(WORKGROUP)
fn masked_mean(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let outer = i / params.inner;
  let start = outer * params.n * params.inner + i % params.inner;
  var sums = vec2f();   // of weighted elements and of weights
  for (var block = 0u; block < params.n; block += BLOCK) {
    var part = vec2f();
    for (var k = block; k < min(block + BLOCK, params.n); k++) {
      let weight = f32(mask[outer * params.n + k]);
      // An element of weight 0 may be anything, NaN too.
      if (weight != 0.0) { part += vec2f(weight * f32(x[start + k * params.inner]), weight); }
    }
    sums += part;
  }
  out[i] = Element(select(sums.x / sums.y, 0.0, sums.y == 0.0));
}
