// Which ids may be chosen: all but the mask (with MASK_ALLOWED that too), or of a set for each row. A set is bits, id v in bit v % 32 of word v / 32.
// The kernel declares `allowed` (M, ceil(V / 32)), `mask_index` (R) or (B, R), and params with rows, columns (V), mask_id
// and mask_stride (R, or 0 where all sequences share the choice of sets).
//! import lib/token_choice.wgsl

const HAS_ALLOWED = false;
const MANY_MASKS = false;
const MASK_ALLOWED = false;

/// The first word of the set of a row.
fn first_word_of(row: u32) -> u32 {
  if (!MANY_MASKS) { return 0u; }
  let index = mask_index[row / params.rows * params.mask_stride + row % params.rows];
  return index * ((params.columns + 31u) / 32u);
}

/// The logits of the ids 4 quad .. 4 quad + 3, with those BANNED that may not be chosen.
fn allowed_only(logits: vec4f, quad: u32, first_word: u32) -> vec4f {
  var l = logits;
  if (HAS_ALLOWED) {
    let bits = allowed[first_word + quad / 8u] >> (4u * (quad % 8u));
    l = select(vec4f(BANNED), l, (vec4u(bits) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u));
  }
  if (!MASK_ALLOWED && quad == params.mask_id / 4u) { l[params.mask_id % 4u] = BANNED; }
  return l;
}
