// Sums of exponentials that cannot overflow, as a pair (m, s): the maximum m and s = sum of exp(x - m).

const NO_EXPONENTIALS = vec2f(-3.4028234e38, 0.0);

fn add_exponential(pair: vec2f, x: f32) -> vec2f {
  let m = max(pair.x, x);
  return vec2f(m, pair.y * exp(pair.x - m) + exp(x - m));
}

fn join_exponentials(a: vec2f, b: vec2f) -> vec2f {
  let m = max(a.x, b.x);
  return vec2f(m, a.y * exp(a.x - m) + b.y * exp(b.x - m));
}
