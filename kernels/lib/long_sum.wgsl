// A sum of any number of terms, added up in blocks: the rounding error grows with the block and with the number of
// blocks, not with the number of terms.

const LONG_SUM_BLOCK = 1024u;

struct LongSum {
  blocks: f32,   // sum of the blocks that are full
  block: f32,    // sum of the terms since
  terms: u32,    // number of those
}

/// The sum with a * b added.
fn with_product(sum: LongSum, a: f32, b: f32) -> LongSum {
  let block = fma(a, b, sum.block);
  if (sum.terms + 1 < LONG_SUM_BLOCK) { return LongSum(sum.blocks, block, sum.terms + 1); }
  return LongSum(sum.blocks + block, 0.0, 0u);
}

fn with_term(sum: LongSum, term: f32) -> LongSum {
  return with_product(sum, term, 1.0);
}

fn value_of(sum: LongSum) -> f32 {
  return sum.blocks + sum.block;
}
