// Exponential and Gumbel numbers from uniform ones, accurate where it matters. The largest Gumbel numbers
// come from u next to 1, where WGSL's log may be wrong by 2^-21 absolute: as much as its result.

/// -log(u) for 0 < u < 1, within a few ulp of itself everywhere.
fn exponential(u: vec4f) -> vec4f {
  return -natural_log(u);
}

/// -log(-log(u)) for 0 < u < 1.
fn gumbel(u: vec4f) -> vec4f {
  return -natural_log(exponential(u));
}

/// log(x) for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), and
/// log m = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1), |s| < 0.172.
fn natural_log(x: vec4f) -> vec4f {
  // Moves the boundary of the exponents from 1 to sqrt(1/2), whose bits these are.
  let shifted = bitcast<vec4u>(x) - vec4u(0x3f3504f3u);
  let m = bitcast<vec4f>((shifted & vec4u(0x7fffffu)) + vec4u(0x3f3504f3u));
  let e = vec4f(bitcast<vec4i>(shifted) >> vec4u(23u));
  let s = (m - 1.0) / (m + 1.0);
  let q = s * s;
  let series = ((((q / 11.0 + 1.0 / 9.0) * q + 1.0 / 7.0) * q + 0.2) * q + 1.0 / 3.0) * q;
  return e * 0.69314718056 + 2.0 * (s + s * series);
}
