// Cubic resampling of a line of pixels to another length. Pixels are areas; where the line becomes shorter, the
// kernel becomes wider by as much (antialiasing), as in Pillow. The weights of an output pixel are divided by
// their sum, which differs from 1 at the ends of the line and where a wide kernel falls between pixels.

/// Cubic convolution (Keys 1981) with a = -1/2.
fn cubic(distance: f32) -> f32 {
  let x = abs(distance);
  let near = (1.5 * x - 2.5) * x * x + 1.0;
  let far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0;
  return select(select(0.0, far, x < 2.0), near, x < 1.0);
}

/// Of the line's `before` pixels, those that output pixel `i` of `after` takes from: x up to and without y.
/// In whole numbers the places are exact; sides are below 2^15, so that their products fit.
fn cubic_window(i: u32, before: u32, after: u32) -> vec2u {
  let center = (2u * i + 1u) * before + after;
  let reach = 4u * max(before, after);
  let first = (max(center, reach) - reach) / (2u * after);
  return vec2u(first, min((center + reach) / (2u * after), before));
}

/// Weight, before the division by the sum, of pixel `j` of the line for output pixel `i`.
fn cubic_weight(j: u32, i: u32, before: u32, after: u32) -> f32 {
  let offset = i32((2u * j + 1u) * after) - i32((2u * i + 1u) * before);
  return cubic(f32(offset) / f32(2u * max(before, after)));
}
