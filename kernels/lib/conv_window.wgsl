// Where the windows of a convolution lie in its image, for the kernels that compute it as a matrix product. Step k of
// the depth is a tap of the window: k = (channel KH + y) KW + x. The kernel declares `params` with channels, height,
// width, out_height, out_width, kernel_height and kernel_width, and the binding `image`.
//! import lib/quotient.wgsl

/// The windows of four output pixels.
struct Windows {
  left: vec4u, top: vec4u,   // modulo 2^32: left of or above the image
  corner: vec4u,             // index of image[batch, 0, top, left], modulo 2^32
}

/// A tap: its channel and its place (x, y) in the window.
struct Tap { channel: u32, place: vec2u }

/// `stride` and `padding` are (x, y).
fn windows_at(pixel: vec4u, stride: vec2u, padding: vec2u) -> Windows {
  let plane = params.out_height * params.out_width;
  let left = pixel % params.out_width * stride.x - padding.x;
  let top = pixel % plane / params.out_width * stride.y - padding.y;
  return Windows(left, top, (pixel / plane * params.channels * params.height + top) * params.width + left);
}

/// The tap of step k of the depth, below 2^20.
fn tap_at(k: u32) -> Tap {
  let taps = params.kernel_height * params.kernel_width;
  let channel = quotient(k, taps);
  let y = quotient(k - channel * taps, params.kernel_width);
  return Tap(channel, vec2u(k - channel * taps - y * params.kernel_width, y));
}

/// How far from the corner of a window the image has `place`, in pixels, of a channel.
fn image_offset(channel: u32, place: vec2u) -> u32 {
  return (channel * params.height + place.y) * params.width + place.x;
}

/// The image at `place` of four windows, 0 outside of it.
fn load_image(windows: Windows, place: vec2u, offset: u32) -> vec4f {
  // Positions left of or above the image wrap around to huge numbers: one comparison finds both sides.
  let inside = (windows.left + place.x < vec4u(params.width)) & (windows.top + place.y < vec4u(params.height));
  let at = select(vec4u(), windows.corner + offset, inside);
  let values = vec4f(f32(image[at.x]), f32(image[at.y]), f32(image[at.z]), f32(image[at.w]));
  return select(vec4f(), values, inside);
}

/// The tap that lies `step` after another in the order of the depth.
fn tap_after(tap: Tap, step: Tap) -> Tap {
  var channel = tap.channel + step.channel;
  var place = tap.place + step.place;
  if (place.x >= params.kernel_width) {
    place.x -= params.kernel_width;
    place.y++;
  }
  if (place.y >= params.kernel_height) {
    place.y -= params.kernel_height;
    channel++;
  }
  return Tap(channel, place);
}
