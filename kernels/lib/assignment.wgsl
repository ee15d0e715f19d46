// Costs of a linear assignment as its kernels take them: all finite, and sums of them far from overflow.

/// No row, or no target.
const nobody = 0xffffffffu;
/// More than any distance.
const unreached = 3e38;

/// By its bits: a driver may take it for granted that there are no infinities.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

/// The size of a cost; 0 where it is no number.
fn cost_size(x: f32) -> f32 {
  return select(0.0, min(abs(x), 1e30), is_finite(x));
}

/// What stands for a cost that is no number or infinite: more than the sums of all others may differ.
fn forbidden_cost(largest: f32, targets: u32) -> f32 {
  return select(1.0, 2.0 * f32(targets + 1u) * largest, largest > 0.0);
}

fn sound_cost(x: f32, forbidden: f32) -> f32 {
  return select(forbidden, clamp(x, -1e30, 1e30), is_finite(x));
}
