// A quantised weight, (N, K), as kernels read it (its format is told in src/ops/quantized/quantization.ts):
//   w[n, k] = q[n, k] 2^(1 - BITS) scales[n, k / group]
// with whole numbers q of BITS bits, 32 of them in BITS words. The kernel declares `params` with k and group_log2,
// and the bindings `values` of u32 and `scales` of Scale.

const BITS = 4u;                // 4 or 8
const PER_WORD = 32 / BITS;
alias Scale = f32;

/// Words of a row: rows are padded with zeros to a multiple of 32 numbers.
fn row_words() -> u32 {
  return (params.k + 31) / 32 * BITS;
}

/// The group of element k of a row: 32 neighbours or a multiple of them share a scale.
fn group_of(k: u32) -> u32 {
  return k >> params.group_log2;
}

fn row_groups() -> u32 {
  return group_of(params.k - 1) + 1;
}

/// What q is a multiple of in a group of a row.
fn group_step(row: u32, group: u32) -> f32 {
  return f32(scales[row * row_groups() + group]) / f32(1u << (BITS - 1));
}

/// The numbers i of four words.
fn whole_numbers(words: vec4u, i: vec4u) -> vec4f {
  return vec4f((bitcast<vec4i>(words) << (32 - BITS * (i + 1))) >> vec4u(32 - BITS));
}
