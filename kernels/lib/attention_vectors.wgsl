// What the attention kernels for GPUs take and give, in vectors of four of the type Element, which the kernel declares. Head
// sizes are multiples of four.
//! import lib/attention.wgsl

const VECTORS = 16u;   // D / 4
const HAS_BIAS = false;
const HAS_LOG_SUM_EXP = false;

struct Params {
  batches: u32, heads: u32, key_heads: u32, query_length: u32, key_length: u32, scale: f32,
  bias_batch: u32, bias_head: u32, bias_row: u32,     // strides of bias, 0 along an axis of size 1
  group_size: u32, last_group: u32, query_offset: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<vec4<Element>>;          // (B, H, Lq, D / 4)
@group(0) @binding(1) var<storage, read> key: array<vec4<Element>>;            // (B, Hkv, Lk, D / 4)
@group(0) @binding(2) var<storage, read> value: array<vec4<Element>>;          // (B, Hkv, Lk, D / 4)
@group(0) @binding(3) var<storage, read> bias: array<Element>;                 // (B|1, H|1, Lq|1, Lk), with HAS_BIAS
@group(0) @binding(4) var<storage, read> key_weight: array<KeyWeight>;         // (B, Lk), with KEY_WEIGHT
@group(0) @binding(5) var<storage, read> groups: array<u32>;                   // (B) or (B, Lk), with MASK 2 or 3
@group(0) @binding(6) var<storage, read_write> output: array<vec4<Element>>;   // (B, H, Lq, D / 4)
@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;        // (B, H, Lq), with HAS_LOG_SUM_EXP
