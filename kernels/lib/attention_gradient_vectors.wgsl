// What the kernels of the gradient of attention take that go through heads in vectors of four elements. Head sizes are
// multiples of four.
//! import lib/attention.wgsl

const VECTORS = 16u;                // D / 4
const WIDTH = 2 * VECTORS + 1;      // vectors of a row
const LONG = false;   // many queries or keys: add up in blocks of BLOCK of them
const BLOCK = 1024u;
const HAS_BIAS = false;
alias Element = f32;

struct Params {
  batches: u32, heads: u32, key_heads: u32, query_length: u32, key_length: u32, scale: f32,
  bias_batch: u32, bias_head: u32, bias_row: u32,     // strides of bias, 0 along an axis of size 1
  group_size: u32, last_group: u32, query_offset: u32,
  vectors: u32,                                       // D / 4 again, so that loops up to it are not unrolled
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> rows: array<vec4f>;               // (B, H, Lq, WIDTH): attention/gradient_rows.wgsl
@group(0) @binding(1) var<storage, read> key: array<vec4<Element>>;        // (B, Hkv, Lk, D / 4)
@group(0) @binding(2) var<storage, read> value: array<vec4<Element>>;      // (B, Hkv, Lk, D / 4)
@group(0) @binding(3) var<storage, read> bias: array<Element>;             // (B|1, H|1, Lq|1, Lk), with HAS_BIAS
@group(0) @binding(4) var<storage, read> key_weight: array<KeyWeight>;     // (B, Lk), with KEY_WEIGHT
@group(0) @binding(5) var<storage, read> groups: array<u32>;               // (B) or (B, Lk), with MASK 2 or 3
