// Two-dimensional convolution (cross-correlation, as the field has it) with bias and activation:
//   out[b, o, y, x] = activate(bias[o] + sum_{c, i, j} weight[o, c, i, j] image[b, c, y S - P + i D, x S - P + j D])
// with stride S, padding P and dilation D of each axis; outside of it image is 0. A convolution over time has
// height 1. Two windows serve sums that are computed in parts: image may hold only some of the weight's input
// channels, from first_channel on, and out may be a part of a tensor with more channels.
// One invocation an output element.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
const HAS_BIAS = false;
alias Element = f32;
alias Result = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  weight_channels: u32, first_channel: u32,            // WC and where image begins among them
  all_out_channels: u32, first_out_channel: u32,       // AO and where out begins among them
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Element>;      // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, AO, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn conv2d(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i / params.out_channels >= params.pixels) { return; }
  let x = i % params.out_width;
  let y = i / params.out_width % params.out_height;
  let plane = params.out_height * params.out_width;
  let out_channel = i / plane % params.out_channels;
  let batch = i / plane / params.out_channels;

  // Positions left of or above the image wrap around to huge numbers, so one comparison finds both sides.
  let top = y * params.stride_y - params.padding_y;
  let left = x * params.stride_x - params.padding_x;
  var sum = LongSum();
  for (var c = 0u; c < params.channels; c++) {
    let plane_start = (batch * params.channels + c) * params.height;
    let window = (out_channel * params.weight_channels + params.first_channel + c) * params.kernel_height;
    for (var ky = 0u; ky < params.kernel_height; ky++) {
      let at_y = top + ky * params.dilation_y;
      if (at_y >= params.height) { continue; }
      for (var kx = 0u; kx < params.kernel_width; kx++) {
        let at_x = left + kx * params.dilation_x;
        if (at_x >= params.width) { continue; }
        let pixel = f32(image[(plane_start + at_y) * params.width + at_x]);
        sum = with_product(sum, pixel, f32(weight[(window + ky) * params.kernel_width + kx]));
      }
    }
  }
  var value = value_of(sum);
  if (HAS_BIAS) { value += f32(bias[out_channel]); }
  let channel = batch * params.all_out_channels + params.first_out_channel + out_channel;
  out[channel * plane + i % plane] = Result(activate(value));
}
