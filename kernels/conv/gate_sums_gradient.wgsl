// Gradient of out = activate(v) sigmoid(g) mask, the end of a gated convolution (gate_sums.wgsl), by its sums:
//   by v: gradient mask activate'(v) sigmoid(g)
//   by g: the sum over the channels o of the gate of gradient mask activate(v) sigmoid'(g)
// for the O sums v, then the G gates g. A gate is for all output channels (G = 1), or for its own.
// One invocation a gate at one position; it computes the channels of the gate too.
//! import lib/index.wgsl
//! import lib/unary_derivative.wgsl

const WORKGROUP = 64u;
const HAS_MASK = false;
alias Element = f32;

struct Params {
  batches: u32,
  out_channels: u32, gate_channels: u32, // O, G = 1 or O
  plane: u32,                            // H W
  mask_batch: u32,                       // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;             // (B, O + G, H, W)
@group(0) @binding(1) var<storage, read> mask: array<Element>;         // (B or 1, H, W), with HAS_MASK
@group(0) @binding(2) var<storage, read> gradient: array<Element>;     // (B, O, H, W)
@group(0) @binding(3) var<storage, read_write> out: array<f32>;        // (B, O + G, H, W)

@compute @workgroup_size(WORKGROUP)
fn gate_sums_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let position = i % params.plane;
  let gate_channel = i / params.plane % params.gate_channels;
  let batch = i / params.plane / params.gate_channels;
  if (batch >= params.batches) { return; }
  let channels = params.out_channels / params.gate_channels;   // of this gate
  let gradient_start = batch * params.out_channels * params.plane + position;
  let sums_start = batch * (params.out_channels + params.gate_channels) * params.plane + position;

  let gate_at = sums_start + (params.out_channels + gate_channel) * params.plane;
  let gate = sums[gate_at];
  let open = sigmoid(gate);
  var weight = 1.0;
  if (HAS_MASK) { weight = f32(mask[batch * params.mask_batch + position]); }
  var by_open = 0.0;
  for (var channel = gate_channel * channels; channel < (gate_channel + 1) * channels; channel++) {
    let value = sums[sums_start + channel * params.plane];
    let slope = weight * f32(gradient[gradient_start + channel * params.plane]);
    out[sums_start + channel * params.plane] = slope * open * activation_derivative(value);
    by_open = fma(slope, activate(value), by_open);
  }
  out[gate_at] = by_open * open * sigmoid(-gate);
}
