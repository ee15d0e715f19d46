// Gated two-dimensional convolution (MS-2D-TAN, MapGatedConv):
//   out = activate(conv(image, weight) + bias) * sigmoid(conv(image, gate_weight) + gate_bias) * mask
// with stride 1, padding P and zeros outside of image; conv as in conv/conv2d_plain.wgsl. The gate has one channel for
// all or one for each output channel (GATE_PER_CHANNEL). partial_sum holds sums over further input channels that were
// computed before: of the O output channels, then of the G gate channels; image then has only the first C of the
// weight's WC input channels. One invocation an output element.
//! import lib/gated_output.wgsl
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
const GATE_PER_CHANNEL = false;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  padding_y: u32, padding_x: u32,
  weight_channels: u32,                                // WC
  partial_batch: u32, mask_batch: u32,                 // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;         // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Element>;        // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read> gate_weight: array<Element>;   // (G, WC, KH, KW), G = 1 or O
@group(0) @binding(4) var<storage, read> gate_bias: array<Element>;     // (G), with HAS_GATE_BIAS
@group(0) @binding(5) var<storage, read> partial_sum: array<Partial>;   // (B or 1, O + G, OH, OW), with HAS_PARTIAL
@group(0) @binding(6) var<storage, read> mask: array<Element>;          // (B or 1, OH, OW), with HAS_MASK
@group(0) @binding(7) var<storage, read_write> out: array<Element>;     // (B, O, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn gated_conv2d(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i / params.out_channels >= params.pixels) { return; }
  let x = i % params.out_width;
  let y = i / params.out_width % params.out_height;
  let plane = params.out_height * params.out_width;
  let position = i % plane;
  let out_channel = i / plane % params.out_channels;
  let batch = i / plane / params.out_channels;
  let gate_channel = select(0u, out_channel, GATE_PER_CHANNEL);

  // Positions left of or above the image wrap around to huge numbers: one comparison finds both sides.
  let top = y - params.padding_y;
  let left = x - params.padding_x;
  var long_sum = LongSum();
  var long_gate = LongSum();
  for (var c = 0u; c < params.channels; c++) {
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      let at_y = top + ky;
      if (at_y >= params.height) { continue; }
      let image_row = ((batch * params.channels + c) * params.height + at_y) * params.width;
      let weight_row = ((out_channel * params.weight_channels + c) * params.kernel_height + ky) * params.kernel_width;
      let gate_row = ((gate_channel * params.weight_channels + c) * params.kernel_height + ky) * params.kernel_width;
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let at_x = left + kx;
        if (at_x >= params.width) { continue; }
        let value = f32(image[image_row + at_x]);
        long_sum = with_product(long_sum, value, f32(weight[weight_row + kx]));
        long_gate = with_product(long_gate, value, f32(gate_weight[gate_row + kx]));
      }
    }
  }
  let place = Place(batch, out_channel, gate_channel, plane, position);
  out[i] = Element(gated_output(value_of(long_sum), value_of(long_gate), place));
}
