// The end of a gated convolution whose sums were computed in parts of their depth (conv/conv2d_matrix.wgsl):
//   out = activate(sum_s sums[s, value] + bias) * sigmoid(sum_s sums[s, gate] + gate_bias) * mask
// as gated_conv2d_plain.wgsl has it, with partial_sum one part more. One invocation an output element.
//! import lib/gated_output.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params {
  parts: u32, batches: u32,              // S, B
  out_channels: u32, gate_channels: u32, // O, G = 1 or O
  plane: u32,                            // OH OW
  partial_batch: u32, mask_batch: u32,   // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;              // (S, B, O + G, OH, OW)
@group(0) @binding(1) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(2) var<storage, read> gate_bias: array<Element>;     // (G), with HAS_GATE_BIAS
@group(0) @binding(3) var<storage, read> partial_sum: array<Partial>;   // (B or 1, O + G, OH, OW), with HAS_PARTIAL
@group(0) @binding(4) var<storage, read> mask: array<Element>;          // (B or 1, OH, OW), with HAS_MASK
@group(0) @binding(5) var<storage, read_write> out: array<Element>;     // (B, O, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn gate_sums(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let position = i % params.plane;
  let channel = i / params.plane % params.out_channels;
  let batch = i / params.plane / params.out_channels;
  if (batch >= params.batches) { return; }
  let gate_channel = min(channel, params.gate_channels - 1);
  let channels = params.out_channels + params.gate_channels;
  let value_at = channel * params.plane + position;
  let gate_at = (params.out_channels + gate_channel) * params.plane + position;

  var sum = 0.0;
  var gate = 0.0;
  for (var s = 0u; s < params.parts; s++) {
    let start = (s * params.batches + batch) * channels * params.plane;
    sum += sums[start + value_at];
    gate += sums[start + gate_at];
  }
  out[i] = Element(gated_output(sum, gate, Place(batch, channel, gate_channel, params.plane, position)));
}
