// Floats as integers of the same order, for comparisons that no compiler's fast mathematics may change.

/// A word that grows with x. -0 and +0 have the same one; NaN has 0, below that of -infinity.
fn order_key(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  let ordered = select(bits | 0x80000000u, ~bits, bits != magnitude);
  return select(select(ordered, 0x80000000u, magnitude == 0u), 0u, magnitude > 0x7f800000u);
}
