// Sine and cosine to f32 accuracy for |x| up to some 10^4. The built-ins promise an absolute error of 5e-4 within one
// turn, and some drivers need it.

/// The sine and the cosine of the part of x that is left after whole quarter turns, with the number of those.
/// pi / 2 is taken off in three parts, the first two short enough for exact products. Minimax fits (ours): relative
/// error of the sine 4e-9, absolute error of the cosine 1e-10.
fn quarter_turn(x: f32) -> vec3f {
  let turns = round(x * 0.63661977);
  let r = ((x - turns * 1.5703125) - turns * 4.8351287841796875e-4) - turns * 3.1391648e-7;
  let u = r * r;
  let sine = fma(r * u, fma(fma(-1.9504318e-4, u, 8.332083e-3), u, -0.16666654), r);
  let cosine = fma(u * u, fma(fma(2.442389e-5, u, -1.3887243e-3), u, 0.041666646), fma(u, -0.5, 1.0));
  return vec3f(sine, cosine, turns);
}

fn accurate_sin(x: f32) -> f32 {
  let part = quarter_turn(x);
  let quarter = i32(part.z);
  let value = select(part.x, part.y, (quarter & 1) != 0);
  return select(value, -value, (quarter & 2) != 0);
}

fn accurate_cos(x: f32) -> f32 {
  let part = quarter_turn(x);
  let quarter = i32(part.z);
  let value = select(part.y, part.x, (quarter & 1) != 0);
  return select(value, -value, ((quarter + 1) & 2) != 0);
}
