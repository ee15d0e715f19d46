// Sums of probabilities that are given by their logarithms.

/// Stands for the logarithm of 0: sums with it stay finite.
const LOG_ZERO = -1e30;

/// log(exp(a) + exp(b))
fn log_add(a: f32, b: f32) -> f32 {
  return max(a, b) + log(1.0 + exp(-abs(a - b)));
}
