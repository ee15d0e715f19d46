// Gradient of attention by the weights of the keys, as gradient_key_weight_plain.wgsl states it: a workgroup takes a key,
// and its invocations the queries of all heads in turn.
//! import lib/attention.wgsl
//! import lib/attention_pair.wgsl
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 64u;
const VECTORS = 16u;              // D / 4
const WIDTH = 2 * VECTORS + 1;    // vectors of a row
const BLOCK = 1024u;              // queries of an invocation that are added up by themselves
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

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_key_weight_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_workgroup(workgroup, workgroups);
  let j = index % params.key_length;
  let batch = index / params.key_length;
  if (batch >= params.batches) { return; }

  let begin = min(query_begin(j), params.query_length);
  let queries = params.query_length - begin;
  let pairs = params.heads * queries;
  var sum = 0.0;
  for (var start = local; start < pairs; start += BLOCK * WORKGROUP) {
    var part = 0.0;
    for (var n = start; n < min(start + BLOCK * WORKGROUP, pairs); n += WORKGROUP) {
      part += attention_pair(batch, n / queries, begin + n % queries, j).y;
    }
    sum += part;
  }
  sum = total(vec2f(sum, 0.0), local).x;
  if (local == 0) { out[index] = KeyWeight(sum); }
}
