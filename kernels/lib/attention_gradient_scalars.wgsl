// What the plain kernels of the gradient of attention take, element by element, and what a key and a query give.
//! import lib/attention.wgsl

const LONG = false;   // many queries or keys: add up in blocks of BLOCK of them
const BLOCK = 1024u;
const HAS_BIAS = false;
alias Element = f32;

struct Params {
  batches: u32, heads: u32, key_heads: u32, query_length: u32, key_length: u32, scale: f32,
  bias_batch: u32, bias_head: u32, bias_row: u32,     // strides of bias, 0 along an axis of size 1
  group_size: u32, last_group: u32, query_offset: u32,
  head_size: u32,                                     // D
  width: u32,                                         // of a row, see attention/gradient_rows.wgsl
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> rows: array<f32>;                 // (B, H, Lq, width): q, g, log-sum-exp, delta
@group(0) @binding(1) var<storage, read> key: array<Element>;              // (B, Hkv, Lk, D)
@group(0) @binding(2) var<storage, read> value: array<Element>;            // (B, Hkv, Lk, D)
@group(0) @binding(3) var<storage, read> bias: array<Element>;             // (B|1, H|1, Lq|1, Lk), with HAS_BIAS
@group(0) @binding(4) var<storage, read> key_weight: array<KeyWeight>;     // (B, Lk), with KEY_WEIGHT
@group(0) @binding(5) var<storage, read> groups: array<u32>;               // (B) or (B, Lk), with MASK 2 or 3

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
