// Gradient of the mean and the biased variance of each channel by x:
//   out[b, c, s] = (mean_gradient[c] + 2 variance_gradient[c] (x[b, c, s] - mean[c])) / (B S)
// One invocation an element, or four elements of a channel (Wide).
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_MEAN = false;       // a gradient of the mean is given
const HAS_VARIANCE = false;   // a gradient of the variance is given
alias Element = f32;
alias Packed = Element;       // Element or vec4<Element>
alias Wide = f32;             // f32 or vec4f, likewise

struct Params { count: u32, channels: u32, spatial: u32, factor: f32 }   // in units of Wide; factor: 1 / (B S)
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Packed>;                 // (B, C, S)
@group(0) @binding(1) var<storage, read> mean: array<f32>;                 // (C)
@group(0) @binding(2) var<storage, read> mean_gradient: array<f32>;        // (C), with HAS_MEAN
@group(0) @binding(3) var<storage, read> variance_gradient: array<f32>;    // (C), with HAS_VARIANCE
@group(0) @binding(4) var<storage, read_write> out: array<Packed>;         // (B, C, S)

@compute @workgroup_size(WORKGROUP)
fn channel_moments_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let c = i / params.spatial % params.channels;
  var sum = Wide();
  if (HAS_MEAN) { sum += mean_gradient[c]; }
  if (HAS_VARIANCE) { sum += 2.0 * variance_gradient[c] * (Wide(x[i]) - mean[c]); }
  out[i] = Packed(sum * params.factor);
}
