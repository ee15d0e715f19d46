// Gradient of attention by the queries, as gradient_query_plain.wgsl states it, for software drivers, by the technique of
// shuffle.wgsl: a lane keeps four queries, the gradients of their outputs and their sums, and the lanes of a subgroup hold
// a row of a key and its value together.
//! import lib/attention_gradient_vectors.wgsl
//! import lib/attention_lanes.wgsl
//! import lib/index.wgsl

const CHUNKS = (VECTORS + LANES - 1) / LANES;

@group(0) @binding(6) var<storage, read_write> out: array<vec4<Element>>;      // (B, H, Lq, D / 4)

var<private> queries: array<mat4x4f, VECTORS>;     // [vector of the head][query]
var<private> gradients: array<mat4x4f, VECTORS>;   // of the outputs, likewise
var<private> sums: array<mat4x4f, VECTORS>;        // sum_j z_j k_j, likewise
var<private> blocks: array<mat4x4f, VECTORS>;      // sums of the keys before, with LONG
var<private> key_row: array<vec4f, CHUNKS>;        // this lane's part of the row of a key
var<private> value_row: array<vec4f, CHUNKS>;      // and of its value

fn key_vector(i: u32) -> vec4f {
  return subgroupShuffle(key_row[i / LANES], i % LANES);
}

fn value_vector(i: u32) -> vec4f {
  return subgroupShuffle(value_row[i / LANES], i % LANES);
}

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_query_shuffle(
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
  let first_query = batch_head * params.query_length + inside;
  var group: vec4u;
  var log_sum_exp: vec4f;
  var delta: vec4f;
  for (var r = 0u; r < 4; r++) {
    group[r] = group_at(batch, params.query_offset + inside[r]);
    let numbers = rows[first_query[r] * WIDTH + 2 * VECTORS];
    log_sum_exp[r] = numbers.x;
    delta[r] = numbers.y;
  }
  for (var n = 0u; n < 4 * params.vectors; n++) {
    let at = first_query[n % 4] * WIDTH + n / 4;
    let loaded_query = rows[at];
    let loaded_gradient = rows[at + VECTORS];
    for (var k = 0u; k < VECTORS - 1; k++) {
      queries[k] = shift(queries[k], queries[k + 1][0]);
      gradients[k] = shift(gradients[k], gradients[k + 1][0]);
    }
    queries[VECTORS - 1] = shift(queries[VECTORS - 1], loaded_query);
    gradients[VECTORS - 1] = shift(gradients[VECTORS - 1], loaded_gradient);
  }

  let end = key_end(batch, params.query_offset + min(first + TILE, params.query_length) - 1);
  for (var j = 0u; j < end; j++) {
    if (LONG && j % BLOCK == 0) {
      for (var k = 0u; k < PARTS[0]; k++) {
        blocks[k] += sums[k];
        sums[k] = mat4x4f();
      }
      for (var k = PARTS[0]; k < PARTS[1]; k++) {
        blocks[k] += sums[k];
        sums[k] = mat4x4f();
      }
      for (var k = PARTS[1]; k < PARTS[2]; k++) {
        blocks[k] += sums[k];
        sums[k] = mat4x4f();
      }
      for (var k = PARTS[2]; k < PARTS[3]; k++) {
        blocks[k] += sums[k];
        sums[k] = mat4x4f();
      }
    }
    for (var c = 0u; c < CHUNKS; c++) {
      let at = (first_key + j) * VECTORS + min(c * LANES + lane % LANES, VECTORS - 1);
      key_row[c] = vec4f(key[at]);
      value_row[c] = vec4f(value[at]);
    }
    var score = vec4f();
    var of_p = vec4f();
    for (var k = 0u; k < PARTS[0]; k++) {
      score += key_vector(k) * queries[k];
      of_p += value_vector(k) * gradients[k];
    }
    for (var k = PARTS[0]; k < PARTS[1]; k++) {
      score += key_vector(k) * queries[k];
      of_p += value_vector(k) * gradients[k];
    }
    for (var k = PARTS[1]; k < PARTS[2]; k++) {
      score += key_vector(k) * queries[k];
      of_p += value_vector(k) * gradients[k];
    }
    for (var k = PARTS[2]; k < PARTS[3]; k++) {
      score += key_vector(k) * queries[k];
      of_p += value_vector(k) * gradients[k];
    }
    score *= params.scale;
    if (HAS_BIAS) {
      for (var r = 0u; r < 4; r++) { score[r] += f32(bias[first_bias[r] + j]); }
    }
    let weight = weight_at(batch, j);
    let attended = (group >= vec4u(group_at(batch, j))) & vec4<bool>(weight > 0);
    let z = select(vec4f(), weight * exp(score - log_sum_exp) * (of_p - delta), attended);
    for (var k = 0u; k < PARTS[0]; k++) {
      sums[k] = added(sums[k], key_vector(k), z);
    }
    for (var k = PARTS[0]; k < PARTS[1]; k++) {
      sums[k] = added(sums[k], key_vector(k), z);
    }
    for (var k = PARTS[1]; k < PARTS[2]; k++) {
      sums[k] = added(sums[k], key_vector(k), z);
    }
    for (var k = PARTS[2]; k < PARTS[3]; k++) {
      sums[k] = added(sums[k], key_vector(k), z);
    }
  }

  if (LONG) {
    for (var k = 0u; k < PARTS[0]; k++) { sums[k] += blocks[k]; }
    for (var k = PARTS[0]; k < PARTS[1]; k++) { sums[k] += blocks[k]; }
    for (var k = PARTS[1]; k < PARTS[2]; k++) { sums[k] += blocks[k]; }
    for (var k = PARTS[2]; k < PARTS[3]; k++) { sums[k] += blocks[k]; }
  }
  for (var n = 0u; n < 4 * params.vectors; n++) {
    if (i[n % 4] < params.query_length) {
      out[first_query[n % 4] * VECTORS + n / 4] = vec4<Element>(sums[0][0] * params.scale);
    }
    for (var k = 0u; k < VECTORS - 1; k++) { sums[k] = shift(sums[k], sums[k + 1][0]); }
    sums[VECTORS - 1] = shift(sums[VECTORS - 1], vec4f());
  }
}
