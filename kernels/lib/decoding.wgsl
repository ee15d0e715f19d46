// Where a masked decoding stands, and which positions of the sequence (B, L) take part in its next step.
// The answer is positions `start` to L - 1, decoded in blocks from left to right (LLaDA,
// semi-autoregressive): the step sees the answer up to the end of the current block. Earlier blocks are full
// by then, unless some of their tokens were masked again or had to wait.

const RESCORE = false;   // positions with a token take part too: how probable is it now?

/// Kept on the device: src/ops/sampling/decoding.ts makes it, finish_step.wgsl moves it on.
struct Decoding {
  seed_low: u32,
  seed_high: u32,
  step: u32,         // steps so far
  block: u32,
  block_step: u32,   // steps so far in this block
  masked: u32,       // masked positions left in all answers
}

const IDLE = 0u;
const CHOOSE = 1u;   // masked: to be given a candidate
const SCORE = 2u;    // has a token: to be given its probability

/// End of the current block.
fn block_end(block: u32, start: u32, block_length: u32, length: u32) -> u32 {
  return min(length, start + (block + 1u) * block_length);
}

/// What the step does with a position.
fn role_of(position: u32, masked: bool, start: u32, end: u32) -> u32 {
  if (position < start || position >= end) { return IDLE; }
  return select(select(IDLE, SCORE, RESCORE), CHOOSE, masked);
}
