// What the plain kernels of the gradient of attention share; they declare `params`, `rows`, `key` and `value` as
// attention/gradient_query_plain.wgsl does.

/// Probability p of a key for a query, and the gradient z of their score: the query's row begins at `row`, the key and
/// its value at `at`; `offset` is the bias, `weight` how much the key counts.
fn probability(row: u32, at: u32, offset: f32, weight: f32) -> vec2f {
  var score = 0.0;
  var of_p = 0.0;
  for (var d = 0u; d < params.head_size; d++) {
    score += rows[row + d] * f32(key[at + d]);
    of_p += rows[row + params.head_size + d] * f32(value[at + d]);
  }
  let end = row + 2 * params.head_size;
  let p = weight * exp(score * params.scale + offset - rows[end]);
  return vec2f(p, p * (of_p - rows[end + 1]));
}
