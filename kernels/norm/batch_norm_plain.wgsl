// BatchNorm with given statistics:
//   out[b, c, s] = activate((x[b, c, s] - mean[c]) / sqrt(variance[c] + eps) weight[c] + bias[c])
// One invocation an element.
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_WEIGHT = false;
const HAS_BIAS = false;
alias Element = f32;

struct Params { count: u32, channels: u32, spatial: u32, eps: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (B, C, S)
@group(0) @binding(1) var<storage, read> mean: array<f32>;            // (C)
@group(0) @binding(2) var<storage, read> variance: array<f32>;        // (C)
@group(0) @binding(3) var<storage, read> weight: array<Element>;      // (C), with HAS_WEIGHT
@group(0) @binding(4) var<storage, read> bias: array<Element>;        // (C), with HAS_BIAS
@group(0) @binding(5) var<storage, read_write> out: array<Element>;   // (B, C, S)

@compute @workgroup_size(WORKGROUP)
fn batch_norm(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let c = i / params.spatial % params.channels;
  var y = (f32(x[i]) - mean[c]) / sqrt(variance[c] + params.eps);
  if (HAS_WEIGHT) { y *= f32(weight[c]); }
  if (HAS_BIAS) { y += f32(bias[c]); }
  out[i] = Element(activate(y));
}
