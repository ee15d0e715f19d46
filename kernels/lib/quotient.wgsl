/// a / b without the integer division, which software drivers do lane by lane. Exact while a < 2^20: half a step
/// above a/b the rounding of the division cannot cross a whole number.
fn quotient(a: u32, b: u32) -> u32 {
  return u32((f32(a) + 0.5) / f32(b));
}
