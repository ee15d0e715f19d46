// Gradients of the operands that a batch normalization has for each channel, from the channel's sums G of g and N of g n:
//   mean: -weight G / d   variance: -weight N / (2 d^2)   weight: N   bias: G   with d = sqrt(variance + eps)
// One invocation a channel.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_WEIGHT = false;
alias Element = f32;

struct Params { channels: u32, eps: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<vec2f>;                      // (C): G and N
@group(0) @binding(1) var<storage, read> variance: array<f32>;                    // (C)
@group(0) @binding(2) var<storage, read> weight: array<Element>;                  // (C), with HAS_WEIGHT
@group(0) @binding(3) var<storage, read_write> mean_gradient: array<f32>;         // (C), as the others
@group(0) @binding(4) var<storage, read_write> variance_gradient: array<f32>;
@group(0) @binding(5) var<storage, read_write> weight_gradient: array<Element>;
@group(0) @binding(6) var<storage, read_write> bias_gradient: array<Element>;

@compute @workgroup_size(WORKGROUP)
fn parameters(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let channel = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (channel >= params.channels) { return; }
  let own = sums[channel];
  let squared = variance[channel] + params.eps;
  var w = 1.0;
  if (HAS_WEIGHT) { w = f32(weight[channel]); }
  mean_gradient[channel] = -w * own.x / sqrt(squared);
  variance_gradient[channel] = -0.5 * w * own.y / squared;
  weight_gradient[channel] = Element(own.y);
  bias_gradient[channel] = Element(own.x);
}
