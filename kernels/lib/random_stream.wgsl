// The streams of `Random` (src/ops/random/random.ts): a seed, and a 64-bit counter of the Philox blocks drawn.
// Words 2 and 3 of their Philox counter are 0; other users of the same seed set word 3.

/// The Philox counter `i` blocks ahead of the stream's.
fn stream_counter(low: u32, high: u32, i: u32) -> vec4u {
  let sum = low + i;
  return vec4u(sum, high + select(0u, 1u, sum < low), 0u, 0u);
}
