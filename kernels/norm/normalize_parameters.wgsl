// Gradients of the parameters of a normalization from the sums G of g and N of g n of each channel c and sample b:
//   weight_c = sum_b (1 + scale_bc) N_bc     scale_bc = weight_c N_bc + bias_c G_bc
//   bias_c   = sum_b (1 + scale_bc) G_bc     shift_bc = G_bc
// One invocation a channel.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_WEIGHT = false;
const HAS_BIAS = false;
const HAS_SCALE = false;
const WANTS_WEIGHT = false;
const WANTS_BIAS = false;
const WANTS_SCALE = false;
const WANTS_SHIFT = false;
alias Element = f32;

struct Params { samples: u32, parts: u32, channels: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;                       // (2, B, parts, C): G and N in parts
@group(0) @binding(1) var<storage, read> weight: array<Element>;                 // (C), with HAS_WEIGHT
@group(0) @binding(2) var<storage, read> bias: array<Element>;                   // (C), with HAS_BIAS
@group(0) @binding(3) var<storage, read> scale: array<Element>;                  // (B, C), with HAS_SCALE
@group(0) @binding(4) var<storage, read_write> weight_gradient: array<Element>;  // (C), with WANTS_WEIGHT
@group(0) @binding(5) var<storage, read_write> bias_gradient: array<Element>;    // (C), with WANTS_BIAS
@group(0) @binding(6) var<storage, read_write> scale_gradient: array<Element>;   // (B, C), with WANTS_SCALE
@group(0) @binding(7) var<storage, read_write> shift_gradient: array<Element>;   // (B, C), with WANTS_SHIFT

@compute @workgroup_size(WORKGROUP)
fn parameters(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let channel = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (channel >= params.channels) { return; }
  let count = params.samples * params.parts * params.channels;
  var w = 1.0;
  var b = 0.0;
  if (HAS_WEIGHT) { w = f32(weight[channel]); }
  if (HAS_BIAS) { b = f32(bias[channel]); }

  var affine = vec2f();   // gradients of bias and weight
  for (var sample = 0u; sample < params.samples; sample++) {
    var own = vec2f();
    for (var part = 0u; part < params.parts; part++) {
      let i = (sample * params.parts + part) * params.channels + channel;
      own += vec2f(sums[i], sums[count + i]);
    }
    let styled = sample * params.channels + channel;
    if (WANTS_SHIFT) { shift_gradient[styled] = Element(own.x); }
    if (WANTS_SCALE) { scale_gradient[styled] = Element(w * own.y + b * own.x); }
    if (HAS_SCALE) { own *= 1.0 + f32(scale[styled]); }
    affine += own;
  }
  if (WANTS_BIAS) { bias_gradient[channel] = Element(affine.x); }
  if (WANTS_WEIGHT) { weight_gradient[channel] = Element(affine.y); }
}
