// One element of a quantised weight, and four neighbours.
//! import lib/quantized.wgsl

fn weight_at(row: u32, k: u32) -> f32 {
  let word = vec4u(values[row * row_words() + k / PER_WORD]);
  return whole_numbers(word, vec4u(k % PER_WORD)).x * group_step(row, group_of(k));
}

/// The elements of a row from k, a multiple of 4, on; 0 beyond its end, but there must be 32 (K + 31) / 32 of them.
fn weight_quad(row: u32, k: u32) -> vec4f {
  let word = vec4u(values[row * row_words() + k / PER_WORD]);
  return whole_numbers(word, k % PER_WORD + vec4u(0, 1, 2, 3)) * group_step(row, group_of(k));
}
