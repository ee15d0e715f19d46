// Attention with online softmax, as plain.wgsl states it, for GPUs. A workgroup of ROW_GROUPS x KEY_GROUPS invocations
// takes QUERIES queries; each invocation has four of them. For each tile of KEYS keys it computes two matrix products,
// operands passing through workgroup memory in slices of DEPTH, sums in registers:
//   scores = queries . keys^T     an invocation holds the scores of its four queries and four keys
//   sums  += p . values           and, of each slice of the head, the sums of its four queries and four elements
// A matrix in registers is a mat4x4f with a key or an element for a column and a query for a component; so numbers
// that belong to queries (maxima, totals) are vec4f. Head sizes are multiples of four.
//! import lib/attention_vectors.wgsl
//! import lib/index.wgsl

const ROW_GROUPS = 16u;
const KEY_GROUPS = 8u;
const QUERIES = 4 * ROW_GROUPS;
const KEYS = 4 * KEY_GROUPS;
const DEPTH = KEYS;                                    // so that a slice of p is as deep as one of a head
const INVOCATIONS = ROW_GROUPS * KEY_GROUPS;
const SLICES = (4 * VECTORS + DEPTH - 1) / DEPTH;
const LONG = false;   // many keys: add up in blocks of BLOCK keys
const BLOCK = 1024u;         // a multiple of KEYS
alias Element = f32;

var<workgroup> left: array<vec4f, DEPTH * ROW_GROUPS>;             // queries or p: [depth][four queries]
var<workgroup> right: array<vec4f, DEPTH * KEY_GROUPS>;            // keys or values: [depth][four keys or elements]
var<workgroup> shared_rows: array<vec4f, KEY_GROUPS * ROW_GROUPS>; // for maxima and totals over the keys

/// sum += left . right of one slice.
fn multiply(sum: mat4x4f, row_group: u32, column_group: u32) -> mat4x4f {
  var result = sum;
  for (var x = 0u; x < DEPTH; x++) {
    let a = left[x * ROW_GROUPS + row_group];
    let b = right[x * KEY_GROUPS + column_group];
    result += mat4x4f(a * b.x, a * b.y, a * b.z, a * b.w);
  }
  return result;
}

/// Sums relative to a maximum that has changed by `factor`.
fn scaled(sums: mat4x4f, factor: vec4f) -> mat4x4f {
  return mat4x4f(sums[0] * factor, sums[1] * factor, sums[2] * factor, sums[3] * factor);
}

fn query_vector(row: u32, x: u32) -> vec4f {
  return vec4f(query[row * VECTORS + min(x, VECTORS - 1)]);
}

fn key_vector(row: u32, x: u32) -> vec4f {
  return vec4f(key[row * VECTORS + min(x, VECTORS - 1)]);
}

@compute @workgroup_size(ROW_GROUPS, KEY_GROUPS)
fn attention_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tiles = (params.query_length + QUERIES - 1) / QUERIES;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.heads;
  let head = batch_head % params.heads;
  if (batch >= params.batches) { return; }
  let first = index % tiles * QUERIES;
  let first_row = batch_head * params.query_length;
  let first_key = (batch * params.key_heads + head / (params.heads / params.key_heads)) * params.key_length;
  let last_query = params.query_length - 1;
  let last_key = params.key_length - 1;

  // Queries beyond the last repeat it and are not stored.
  let i = first + 4 * id.x + vec4u(0, 1, 2, 3);
  let inside = min(i, vec4u(last_query));
  let first_bias = batch * params.bias_batch + head * params.bias_head + inside * params.bias_row;
  var group = vec4u();
  for (var r = 0u; r < 4; r++) { group[r] = group_at(batch, params.query_offset + inside[r]); }

  var maximum = vec4f(LOWEST);
  var total = vec4f();                   // of this invocation's keys; joined at the end
  var sums: array<mat4x4f, SLICES>;      // sum_j p_j v_j
  var blocks: array<mat4x4f, SLICES>;    // of the keys before, with LONG
  var blocks_total = vec4f();
  var blocks_maximum = maximum;
  let end = key_end(batch, params.query_offset + min(first + QUERIES - 1, last_query));
  for (var tile = 0u; tile < end; tile += KEYS) {
    if (LONG && tile % BLOCK == 0) {
      let factor = exp(blocks_maximum - maximum);
      blocks_maximum = maximum;
      blocks_total = blocks_total * factor + total;
      total = vec4f();
      for (var slice = 0u; slice < SLICES; slice++) {
        blocks[slice] = scaled(blocks[slice], factor) + sums[slice];
        sums[slice] = mat4x4f();
      }
    }
    var scores = mat4x4f();
    for (var slice = 0u; slice < SLICES; slice++) {
      workgroupBarrier();
      let x = slice * DEPTH / 4 + id.y;
      let q = first_row + inside;
      let four_queries = transpose(mat4x4f(
        query_vector(q.x, x), query_vector(q.y, x), query_vector(q.z, x), query_vector(q.w, x),
      ));
      // Zeros beyond the head, so that it does not matter what stands there for the keys.
      for (var e = 0u; e < 4; e++) {
        left[(4 * id.y + e) * ROW_GROUPS + id.x] = select(vec4f(), four_queries[e], x < VECTORS);
      }
      if (local < KEY_GROUPS * DEPTH / 4) {
        let x = slice * DEPTH / 4 + local / KEY_GROUPS;
        let k = first_key + min(tile + 4 * (local % KEY_GROUPS) + vec4u(0, 1, 2, 3), vec4u(last_key));
        let four_keys = transpose(mat4x4f(
          key_vector(k.x, x), key_vector(k.y, x), key_vector(k.z, x), key_vector(k.w, x),
        ));
        for (var e = 0u; e < 4; e++) {
          right[(4 * (local / KEY_GROUPS) + e) * KEY_GROUPS + local % KEY_GROUPS] = four_keys[e];
        }
      }
      workgroupBarrier();
      scores = multiply(scores, id.x, id.y);
    }

    var weights = mat4x4f();
    var own_maximum = maximum;
    for (var k = 0u; k < 4; k++) {
      scores[k] *= params.scale;
      let j = tile + 4 * id.y + k;
      if (j >= end) { continue; }
      if (HAS_BIAS) {
        for (var r = 0u; r < 4; r++) { scores[k][r] += f32(bias[first_bias[r] + j]); }
      }
      weights[k] = select(vec4f(), vec4f(weight_at(batch, j)), group >= vec4u(group_at(batch, j)));
      own_maximum = select(own_maximum, max(own_maximum, scores[k]), weights[k] > vec4f());
    }
    shared_rows[id.y * ROW_GROUPS + id.x] = own_maximum;
    workgroupBarrier();
    var new_maximum = own_maximum;
    for (var g = 0u; g < KEY_GROUPS; g++) { new_maximum = max(new_maximum, shared_rows[g * ROW_GROUPS + id.x]); }

    let factor = exp(maximum - new_maximum);
    maximum = new_maximum;
    total *= factor;
    for (var k = 0u; k < 4; k++) {
      let p = weights[k] * exp(min(scores[k] - maximum, vec4f()));
      left[(4 * id.y + k) * ROW_GROUPS + id.x] = p;
      total += p;
    }
    for (var slice = 0u; slice < SLICES; slice++) {
      if (slice > 0) { workgroupBarrier(); }
      for (var n = local; n < DEPTH * KEY_GROUPS; n += INVOCATIONS) {
        let x = slice * DEPTH / 4 + n % KEY_GROUPS;
        let j = min(tile + n / KEY_GROUPS, last_key);
        right[n] = vec4f(value[(first_key + j) * VECTORS + min(x, VECTORS - 1)]);
      }
      workgroupBarrier();
      sums[slice] = multiply(scaled(sums[slice], factor), id.x, id.y);
    }
  }

  if (LONG) {
    let factor = exp(blocks_maximum - maximum);
    total += blocks_total * factor;
    for (var slice = 0u; slice < SLICES; slice++) { sums[slice] += scaled(blocks[slice], factor); }
  }
  workgroupBarrier();
  shared_rows[id.y * ROW_GROUPS + id.x] = total;
  workgroupBarrier();
  total = vec4f();
  for (var g = 0u; g < KEY_GROUPS; g++) { total += shared_rows[g * ROW_GROUPS + id.x]; }
  let any = total > vec4f();
  let factor = select(vec4f(), 1 / total, any);
  for (var slice = 0u; slice < SLICES; slice++) {
    let x = slice * DEPTH / 4 + id.y;
    let rows = transpose(sums[slice]);
    for (var r = 0u; r < 4; r++) {
      if (x < VECTORS && i[r] < params.query_length) {
        output[(first_row + i[r]) * VECTORS + x] = vec4<Element>(rows[r] * factor[r]);
      }
    }
  }
  if (HAS_LOG_SUM_EXP && id.y == 0) {
    let result = select(vec4f(LOWEST), maximum + log(total), any);
    for (var r = 0u; r < 4; r++) {
      if (i[r] < params.query_length) { log_sum_exp[first_row + i[r]] = result[r]; }
    }
  }
}
