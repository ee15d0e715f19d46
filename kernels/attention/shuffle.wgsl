// Attention with online softmax, as plain.wgsl states it, for software drivers. There a storage load costs as much as
// twenty multiply-adds and a barrier far more, while values move between lanes cheaply. So a lane keeps four queries
// and their sums in registers; the row of a key is loaded once, spread over LANES lanes, and subgroupShuffle hands it
// round: with vectors of four elements, k * queries[i] is four dot products, one a query.
// Every lane l of a subgroup loads what lane l % LANES loads, so any subgroup of at least LANES lanes will do.
//
// Sums that live across the loop over keys are loaded and stored once a key, so one pass scales them and adds to them.
//
// Head sizes are multiples of four. Arrays live in registers only where the compiler unrolls every loop over them.
// Mesa does so up to a certain size of the unrolled body: hence loops over a quarter of a head.
//! import lib/attention.wgsl
//! import lib/attention_row.wgsl
//! import lib/index.wgsl

const VECTORS = 16u;                                // D / 4
const CHUNKS = (VECTORS + LANES - 1) / LANES;
const LONG = false;   // many keys: add up in blocks of BLOCK keys
const BLOCK = 1024u;
const HAS_BIAS = false;
const HAS_LOG_SUM_EXP = false;
alias Element = f32;

struct Params {
  batches: u32, heads: u32, key_heads: u32, query_length: u32, key_length: u32, scale: f32,
  bias_batch: u32, bias_head: u32, bias_row: u32,     // strides of bias, 0 along an axis of size 1
  group_size: u32, last_group: u32, query_offset: u32,
  vectors: u32,                                       // D / 4 again, so that loops up to it are not unrolled
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

var<private> queries: array<mat4x4f, VECTORS>;    // [vector of the head][query]
var<private> weighted: array<mat4x4f, VECTORS>;   // sum_j p_j v_j, likewise
var<private> blocks: array<mat4x4f, VECTORS>;     // sum_j p_j v_j of the keys before, with LONG

/// The sums at vector i with one more value of weight p, relative to a maximum that has changed by `factor`.
fn with_value(i: u32, factor: vec4f, p: vec4f) -> mat4x4f {
  let v = row_vector(i);
  let sums = weighted[i];
  let scaled = mat4x4f(sums[0] * factor.x, sums[1] * factor.y, sums[2] * factor.z, sums[3] * factor.w);
  return added(scaled, v, p);
}

/// Sums relative to a maximum that has changed by `factor`, and others relative to the new one.
fn joined(before: mat4x4f, factor: vec4f, more: mat4x4f) -> mat4x4f {
  return mat4x4f(before[0] * factor.x, before[1] * factor.y, before[2] * factor.z, before[3] * factor.w) + more;
}

@compute @workgroup_size(WORKGROUP)
fn attention_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles = (params.query_length + TILE - 1) / TILE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.heads;
  let head = batch_head % params.heads;
  if (batch >= params.batches) { return; }
  // Queries beyond the last repeat it and are not stored.
  let first = index % tiles * TILE;
  let i = first + local + vec4u(0, WORKGROUP, 2 * WORKGROUP, 3 * WORKGROUP);
  let inside = min(i, vec4u(params.query_length - 1));
  let first_key = (batch * params.key_heads + head / (params.heads / params.key_heads)) * params.key_length;
  let first_bias = batch * params.bias_batch + head * params.bias_head + inside * params.bias_row;
  var group: vec4u;
  for (var r = 0u; r < 4; r++) { group[r] = group_at(batch, params.query_offset + inside[r]); }

  let first_query = (batch_head * params.query_length + inside) * VECTORS;
  for (var n = 0u; n < 4 * params.vectors; n++) {
    let loaded = vec4f(query[first_query[n % 4] + n / 4]);
    for (var k = 0u; k < VECTORS - 1; k++) { queries[k] = shift(queries[k], queries[k + 1][0]); }
    queries[VECTORS - 1] = shift(queries[VECTORS - 1], loaded);
  }

  var maximum = vec4f(LOWEST);
  var total = vec4f();
  var blocks_total = vec4f();
  var blocks_maximum = maximum;
  let end = key_end(batch, params.query_offset + min(first + TILE, params.query_length) - 1);
  for (var j = 0u; j < end; j++) {
    if (LONG && j % BLOCK == 0) {
      let factor = exp(blocks_maximum - maximum);
      blocks_maximum = maximum;
      blocks_total = blocks_total * factor + total;
      total = vec4f();
      for (var k = 0u; k < PARTS[0]; k++) {
        blocks[k] = joined(blocks[k], factor, weighted[k]);
        weighted[k] = mat4x4f();
      }
      for (var k = PARTS[0]; k < PARTS[1]; k++) {
        blocks[k] = joined(blocks[k], factor, weighted[k]);
        weighted[k] = mat4x4f();
      }
      for (var k = PARTS[1]; k < PARTS[2]; k++) {
        blocks[k] = joined(blocks[k], factor, weighted[k]);
        weighted[k] = mat4x4f();
      }
      for (var k = PARTS[2]; k < PARTS[3]; k++) {
        blocks[k] = joined(blocks[k], factor, weighted[k]);
        weighted[k] = mat4x4f();
      }
    }
    let at = (first_key + j) * VECTORS;
    for (var c = 0u; c < CHUNKS; c++) { row[c] = vec4f(key[at + min(c * LANES + lane % LANES, VECTORS - 1)]); }
    var score = vec4f();
    for (var k = 0u; k < PARTS[0]; k++) { score += row_vector(k) * queries[k]; }
    for (var k = PARTS[0]; k < PARTS[1]; k++) { score += row_vector(k) * queries[k]; }
    for (var k = PARTS[1]; k < PARTS[2]; k++) { score += row_vector(k) * queries[k]; }
    for (var k = PARTS[2]; k < PARTS[3]; k++) { score += row_vector(k) * queries[k]; }
    score *= params.scale;
    if (HAS_BIAS) {
      for (var r = 0u; r < 4; r++) { score[r] += f32(bias[first_bias[r] + j]); }
    }

    let attended = group >= vec4u(group_at(batch, j));
    let weight = select(vec4f(), vec4f(weight_at(batch, j)), attended);
    let new_maximum = select(maximum, max(maximum, score), weight > vec4f());
    let p = weight * exp(min(score - new_maximum, vec4f()));
    let factor = exp(maximum - new_maximum);
    maximum = new_maximum;
    total = total * factor + p;

    for (var c = 0u; c < CHUNKS; c++) { row[c] = vec4f(value[at + min(c * LANES + lane % LANES, VECTORS - 1)]); }
    for (var k = 0u; k < PARTS[0]; k++) { weighted[k] = with_value(k, factor, p); }
    for (var k = PARTS[0]; k < PARTS[1]; k++) { weighted[k] = with_value(k, factor, p); }
    for (var k = PARTS[1]; k < PARTS[2]; k++) { weighted[k] = with_value(k, factor, p); }
    for (var k = PARTS[2]; k < PARTS[3]; k++) { weighted[k] = with_value(k, factor, p); }
  }

  if (LONG) {
    let factor = exp(blocks_maximum - maximum);
    total += blocks_total * factor;
    for (var k = 0u; k < PARTS[0]; k++) { weighted[k] = joined(blocks[k], factor, weighted[k]); }
    for (var k = PARTS[0]; k < PARTS[1]; k++) { weighted[k] = joined(blocks[k], factor, weighted[k]); }
    for (var k = PARTS[1]; k < PARTS[2]; k++) { weighted[k] = joined(blocks[k], factor, weighted[k]); }
    for (var k = PARTS[2]; k < PARTS[3]; k++) { weighted[k] = joined(blocks[k], factor, weighted[k]); }
  }
  let any = total > vec4f();
  let share = select(vec4f(), 1 / total, any);
  for (var n = 0u; n < 4 * params.vectors; n++) {
    if (i[n % 4] < params.query_length) {
      output[first_query[n % 4] + n / 4] = vec4<Element>(weighted[0][0] * share[n % 4]);
    }
    for (var k = 0u; k < VECTORS - 1; k++) { weighted[k] = shift(weighted[k], weighted[k + 1][0]); }
    weighted[VECTORS - 1] = shift(weighted[VECTORS - 1], vec4f());
  }
  if (HAS_LOG_SUM_EXP) {
    let result = select(vec4f(LOWEST), maximum + log(total), any);
    for (var r = 0u; r < 4; r++) {
      if (i[r] < params.query_length) { log_sum_exp[batch_head * params.query_length + i[r]] = result[r]; }
    }
  }
}
