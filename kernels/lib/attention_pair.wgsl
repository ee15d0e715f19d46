// What a key and a query give in the tiled kernels of the gradient of attention.
//! import lib/attention_gradient_vectors.wgsl

/// Probability p of a key for a query, and the gradient z of their score; zeros where the key is not attended.
fn attention_pair(batch: u32, head: u32, query_index: u32, key_index: u32) -> vec2f {
  let row = ((batch * params.heads + head) * params.query_length + query_index) * WIDTH;
  let key_head = head / (params.heads / params.key_heads);
  let at = ((batch * params.key_heads + key_head) * params.key_length + key_index) * VECTORS;
  var score = 0.0;
  var of_p = 0.0;
  for (var x = 0u; x < params.vectors; x++) {
    score += dot(rows[row + x], vec4f(key[at + x]));
    of_p += dot(rows[row + VECTORS + x], vec4f(value[at + x]));
  }
  score *= params.scale;
  if (HAS_BIAS) {
    let first_bias = batch * params.bias_batch + head * params.bias_head + query_index * params.bias_row;
    score += f32(bias[first_bias + key_index]);
  }
  let numbers = rows[row + 2 * VECTORS];
  let weight = weight_at(batch, key_index);
  let attended = weight > 0 && group_at(batch, key_index) <= group_at(batch, params.query_offset + query_index);
  let p = select(0.0, weight * exp(score - numbers.x), attended);
  return vec2f(p, p * (of_p - numbers.y));
}
