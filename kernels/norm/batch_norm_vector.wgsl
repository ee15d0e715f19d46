// BatchNorm with given statistics, as batch_norm_plain.wgsl, where a channel is a whole number of vectors of four.
// An invocation makes ITEMS vectors, a workgroup apart.
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 4u;
const HAS_WEIGHT = false;
const HAS_BIAS = false;
alias Element = f32;

struct Params { count: u32, channels: u32, spatial: u32, eps: f32 }   // count and spatial are of vectors
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;           // (B, C, S / 4)
@group(0) @binding(1) var<storage, read> mean: array<f32>;                  // (C)
@group(0) @binding(2) var<storage, read> variance: array<f32>;              // (C)
@group(0) @binding(3) var<storage, read> weight: array<Element>;            // (C), with HAS_WEIGHT
@group(0) @binding(4) var<storage, read> bias: array<Element>;              // (C), with HAS_BIAS
@group(0) @binding(5) var<storage, read_write> out: array<vec4<Element>>;   // (B, C, S / 4)

@compute @workgroup_size(WORKGROUP)
fn batch_norm_vector(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let c = i / params.spatial % params.channels;
    var y = (vec4f(x[i]) - mean[c]) / sqrt(variance[c] + params.eps);
    if (HAS_WEIGHT) { y *= f32(weight[c]); }
    if (HAS_BIAS) { y += f32(bias[c]); }
    out[i] = vec4<Element>(vec4f(activate(y.x), activate(y.y), activate(y.z), activate(y.w)));
  }
}
