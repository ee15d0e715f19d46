// The cell of a long short-term memory (Hochreiter and Schmidhuber, 1997; gates as PyTorch orders them).
//! import lib/activation.wgsl

/// The next (h, c) of a unit, from the sums of its gates (input, forget, cell, output) and its c.
fn lstm_cell(gates: vec4f, c: f32) -> vec2f {
  let next = sigmoid(gates.y) * c + sigmoid(gates.x) * tanh_stable(gates.z);
  return vec2f(sigmoid(gates.w) * tanh_stable(next), next);
}
