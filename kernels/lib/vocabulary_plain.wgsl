// The product of hidden states and vocabulary matrix as it reads.
// The kernel declares `weight` and `hidden_at` as lib/vocabulary_choice.wgsl does.
//! import lib/vocabulary.wgsl

/// The logits of a row for a quad of ids; those of ids that the window has not repeat others.
fn logits_of(row: u32, quad: u32) -> vec4f {
  var logits = vec4f();
  for (var c = 0u; c < 4; c++) {
    let at = weight_row(4 * quad + c) * params.depth;
    for (var k = 0u; k < params.depth; k++) {
      logits[c] = fma(hidden_at(row * params.depth + k).x, f32(weight[at + k]), logits[c]);
    }
  }
  return logits;
}
