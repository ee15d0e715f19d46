// Attention of query i of each batch b and head h:
//   s_j    = scale q_i . k_j + bias_ij                    m = max_j s_j over the keys j that i attends
//   output = sum_j p_j v_j / sum_j p_j                    p_j = w_j exp(s_j - m), 0 where j is not attended
//   log_sum_exp = m + log sum_j p_j
// The softmax is online (Milakov, Gimelshein, arXiv:1805.02867): a new maximum rescales what was summed so far, so
// no row of scores is ever stored. H / Hkv heads share a head of keys and values (Ainslie et al., arXiv:2305.13245).
// A query that attends nothing gets zeros, and LOWEST for its log_sum_exp.
// One invocation a query.
//! import lib/attention.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HEAD_SIZE = 64u;   // D again: the size of an array must be a constant
const LONG = false;   // many keys: add up in blocks of BLOCK keys
const BLOCK = 1024u;
const HAS_BIAS = false;
const HAS_LOG_SUM_EXP = false;
alias Element = f32;

struct Params {
  batches: u32, heads: u32, key_heads: u32, query_length: u32, key_length: u32, scale: f32,
  bias_batch: u32, bias_head: u32, bias_row: u32,     // strides of bias, 0 along an axis of size 1
  group_size: u32, last_group: u32, query_offset: u32,
  head_size: u32,                                     // D
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<Element>;            // (B, H, Lq, D)
@group(0) @binding(1) var<storage, read> key: array<Element>;              // (B, Hkv, Lk, D)
@group(0) @binding(2) var<storage, read> value: array<Element>;            // (B, Hkv, Lk, D)
@group(0) @binding(3) var<storage, read> bias: array<Element>;             // (B|1, H|1, Lq|1, Lk), with HAS_BIAS
@group(0) @binding(4) var<storage, read> key_weight: array<KeyWeight>;     // (B, Lk), with KEY_WEIGHT
@group(0) @binding(5) var<storage, read> groups: array<u32>;               // (B) or (B, Lk), with MASK 2 or 3
@group(0) @binding(6) var<storage, read_write> output: array<Element>;     // (B, H, Lq, D)
@group(0) @binding(7) var<storage, read_write> log_sum_exp: array<f32>;    // (B, H, Lq), with HAS_LOG_SUM_EXP

@compute @workgroup_size(WORKGROUP)
fn attention(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  let i = row % params.query_length;
  let head = row / params.query_length % params.heads;
  let batch = row / params.query_length / params.heads;
  if (batch >= params.batches) { return; }
  let first_key = (batch * params.key_heads + head / (params.heads / params.key_heads)) * params.key_length;
  let first_bias = batch * params.bias_batch + head * params.bias_head + i * params.bias_row;
  let position = params.query_offset + i;
  let group = group_at(batch, position);

  var maximum = LOWEST;
  var total = 0.0;                        // sum_j p_j
  var weighted: array<f32, HEAD_SIZE>;    // sum_j p_j v_j
  var blocks: array<f32, HEAD_SIZE>;      // of the keys before, with LONG
  var blocks_total = 0.0;
  var blocks_maximum = LOWEST;
  let end = key_end(batch, position);
  for (var j = 0u; j < end; j++) {
    if (LONG && j % BLOCK == 0) {
      let rescale = exp(blocks_maximum - maximum);
      blocks_maximum = maximum;
      blocks_total = blocks_total * rescale + total;
      total = 0.0;
      for (var d = 0u; d < params.head_size; d++) {
        blocks[d] = blocks[d] * rescale + weighted[d];
        weighted[d] = 0.0;
      }
    }
    let weight = weight_at(batch, j);
    if (weight == 0 || group_at(batch, j) > group) { continue; }

    let at = (first_key + j) * params.head_size;
    var score = 0.0;
    for (var d = 0u; d < params.head_size; d++) { score += f32(query[row * params.head_size + d]) * f32(key[at + d]); }
    score *= params.scale;
    if (HAS_BIAS) { score += f32(bias[first_bias + j]); }

    let new_maximum = max(maximum, score);
    let rescale = exp(maximum - new_maximum);
    let p = weight * exp(score - new_maximum);
    maximum = new_maximum;
    total = total * rescale + p;
    for (var d = 0u; d < params.head_size; d++) { weighted[d] = weighted[d] * rescale + p * f32(value[at + d]); }
  }

  if (LONG) {
    let rescale = exp(blocks_maximum - maximum);
    total += blocks_total * rescale;
    for (var d = 0u; d < params.head_size; d++) { weighted[d] += blocks[d] * rescale; }
  }
  let any = total > 0;
  let factor = select(0.0, 1 / total, any);
  for (var d = 0u; d < params.head_size; d++) { output[row * params.head_size + d] = Element(weighted[d] * factor); }
  if (HAS_LOG_SUM_EXP) { log_sum_exp[row] = select(LOWEST, maximum + log(total), any); }
}
