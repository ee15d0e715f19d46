// Gradient of attention by the weights of the keys, as gradient_key_weight_plain.wgsl states it, for GPUs. A workgroup of
// SIDE x SIDE invocations takes SIDE keys: invocation (x, y) adds up what queries x, x + SIDE, … of all heads give for key y,
// and the sums of a key are joined in workgroup memory. Rows are read from the cache.
//! import lib/attention.wgsl
//! import lib/attention_pair.wgsl
//! import lib/index.wgsl

const SIDE = 16u;
const VECTORS = 16u;              // D / 4
const WIDTH = 2 * VECTORS + 1;    // vectors of a row
const LONG = false;   // many queries: add up in blocks of BLOCK queries
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
@group(0) @binding(0) var<storage, read> rows: array<vec4f>;               // (B, H, Lq, 2 D / 4 + 1): gradient_rows.wgsl
@group(0) @binding(1) var<storage, read> key: array<vec4<Element>>;        // (B, Hkv, Lk, D / 4)
@group(0) @binding(2) var<storage, read> value: array<vec4<Element>>;      // (B, Hkv, Lk, D / 4)
@group(0) @binding(3) var<storage, read> bias: array<Element>;             // (B|1, H|1, Lq|1, Lk), with HAS_BIAS
@group(0) @binding(4) var<storage, read> key_weight: array<KeyWeight>;     // not read
@group(0) @binding(5) var<storage, read> groups: array<u32>;               // (B) or (B, Lk), with MASK 2 or 3
@group(0) @binding(6) var<storage, read_write> out: array<KeyWeight>;      // (B, Lk)

var<workgroup> sums: array<f32, SIDE * SIDE>;   // [key][query]

@compute @workgroup_size(SIDE, SIDE)
fn attention_gradient_key_weight_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let tiles = (params.key_length + SIDE - 1) / SIDE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch = index / tiles;
  if (batch >= params.batches) { return; }
  // Keys beyond the last repeat it and are not stored.
  let first = index % tiles * SIDE;
  let j = min(first + id.y, params.key_length - 1);
  let begin = query_begin(first);

  var sum = 0.0;
  var blocks = 0.0;   // of the queries before, with LONG
  for (var head = 0u; head < params.heads; head++) {
    for (var start = begin; start < params.query_length; start += SIDE) {
      if (LONG && (start - begin) % BLOCK == 0) {
        blocks += sum;
        sum = 0.0;
      }
      if (start + id.x < params.query_length) { sum += attention_pair(batch, head, start + id.x, j).y; }
    }
  }
  sums[id.y * SIDE + id.x] = sum + blocks;
  workgroupBarrier();
  if (id.x > 0 || first + id.y >= params.key_length) { return; }
  var total = 0.0;
  for (var x = 0u; x < SIDE; x++) { total += sums[id.y * SIDE + x]; }
  out[batch * params.key_length + j] = KeyWeight(total);
}
