// Gradient of a two-dimensional convolution by its weights:
//   out[o, c, i, j] = sum_{b, y, x} gradient[b, o, y, x] image[b, c, y S - P + i D, x S - P + j D]
// with stride S, padding P and dilation D of each axis; outside of it image is 0 (conv2d_plain.wgsl).
// One invocation an element of the result.
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (B, O, OH, OW)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (O, C, KH, KW)

@compute @workgroup_size(WORKGROUP)
fn conv2d_weight_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let taps = params.kernel_height * params.kernel_width;
  let channel = i / taps % params.channels;
  let out_channel = i / taps / params.channels;
  if (out_channel >= params.out_channels) { return; }
  // Positions left of or above the image wrap around to huge numbers, so one comparison finds both sides.
  let left = i % params.kernel_width * params.dilation_x - params.padding_x;
  let top = i / params.kernel_width % params.kernel_height * params.dilation_y - params.padding_y;

  var sum = LongSum();
  let lines = params.pixels / params.out_width;
  for (var line = 0u; line < lines; line++) {
    let batch = line / params.out_height;
    let y = line % params.out_height;
    let at_y = top + y * params.stride_y;
    if (at_y >= params.height) { continue; }
    let image_line = ((batch * params.channels + channel) * params.height + at_y) * params.width;
    let gradient_line = ((batch * params.out_channels + out_channel) * params.out_height + y) * params.out_width;
    for (var x = 0u; x < params.out_width; x++) {
      let at_x = left + x * params.stride_x;
      if (at_x < params.width) {
        sum = with_product(sum, f32(gradient[gradient_line + x]), f32(image[image_line + at_x]));
      }
    }
  }
  out[i] = Element(value_of(sum));
}
