// Second half of a gated two-dimensional convolution (gated_conv2d_plain.wgsl), where the sums of the output channels
// and of the gate channels are there already:
//   out[b, o, p] = activate(sums[b, o, p] + bias[o]) * sigmoid(sums[b, O + g, p] + gate_bias[g]) * mask[b, p]
// with g = o, or 0 where there is one gate for all. partial_sum holds shares of sums that were computed before.
// One invocation an output element.
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_BIAS = false;
const HAS_GATE_BIAS = false;
const HAS_PARTIAL = false;
const HAS_MASK = false;
alias Element = f32;
alias Partial = f32;

struct Params {
  pixels: u32, plane: u32,                // B OH OW and OH OW
  out_channels: u32, gate_channels: u32,  // O and G
  partial_batch: u32, mask_batch: u32,    // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;              // (B, O + G, OH, OW)
@group(0) @binding(1) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(2) var<storage, read> gate_bias: array<Element>;     // (G), with HAS_GATE_BIAS
@group(0) @binding(3) var<storage, read> partial_sum: array<Partial>;   // (B or 1, O + G, OH, OW), with HAS_PARTIAL
@group(0) @binding(4) var<storage, read> mask: array<Element>;          // (B or 1, OH, OW), with HAS_MASK
@group(0) @binding(5) var<storage, read_write> out: array<Element>;     // (B, O, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn gated_conv2d_join(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i / params.out_channels >= params.pixels) { return; }
  let position = i % params.plane;
  let channel = i / params.plane % params.out_channels;
  let batch = i / params.plane / params.out_channels;
  let gate_channel = min(channel, params.gate_channels - 1);

  let value_at = channel * params.plane + position;
  let gate_at = (params.out_channels + gate_channel) * params.plane + position;
  let start = batch * (params.out_channels + params.gate_channels) * params.plane;
  var value = sums[start + value_at];
  var gate = sums[start + gate_at];
  if (HAS_BIAS) { value += f32(bias[channel]); }
  if (HAS_GATE_BIAS) { gate += f32(gate_bias[gate_channel]); }
  if (HAS_PARTIAL) {
    let partial_start = batch * params.partial_batch;
    value += f32(partial_sum[partial_start + value_at]);
    gate += f32(partial_sum[partial_start + gate_at]);
  }
  var result = activate(value) * sigmoid(gate);
  if (HAS_MASK) { result *= f32(mask[batch * params.mask_batch + position]); }
  out[i] = Element(result);
}
