// Gradient of attention by keys and values, as gradient_key_value_plain.wgsl states it, for software drivers, by the
// technique of shuffle.wgsl with the parts exchanged: a lane keeps four keys, their values and their sums, and the lanes of
// a subgroup hold the row of a query together.
//! import lib/attention_gradient_vectors.wgsl
//! import lib/attention_row.wgsl
//! import lib/index.wgsl

const CHUNKS = (WIDTH + LANES - 1) / LANES;

@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4<Element>>;     // (B, Hkv, Lk, D / 4)
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4<Element>>;   // (B, Hkv, Lk, D / 4)

var<private> keys: array<mat4x4f, VECTORS>;       // [vector of the head][key]
var<private> values: array<mat4x4f, VECTORS>;     // likewise
var<private> of_key: array<mat4x4f, VECTORS>;     // sum_i z_i q_i, likewise
var<private> of_value: array<mat4x4f, VECTORS>;   // sum_i p_i g_i, likewise
var<private> key_blocks: array<mat4x4f, VECTORS>;     // of_key and of_value of the queries before, with LONG
var<private> value_blocks: array<mat4x4f, VECTORS>;

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_key_value_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles = (params.key_length + TILE - 1) / TILE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.key_heads;
  if (batch >= params.batches) { return; }
  // Keys beyond the last repeat it and are not stored.
  let first = index % tiles * TILE;
  let j = first + local + vec4u(0, WORKGROUP, 2 * WORKGROUP, 3 * WORKGROUP);
  let inside = min(j, vec4u(params.key_length - 1));
  let first_key = (batch_head * params.key_length + inside) * VECTORS;
  var group: vec4u;
  var weight: vec4f;
  for (var r = 0u; r < 4; r++) {
    group[r] = group_at(batch, inside[r]);
    weight[r] = weight_at(batch, inside[r]);
  }
  for (var n = 0u; n < 4 * params.vectors; n++) {
    let loaded_key = vec4f(key[first_key[n % 4] + n / 4]);
    let loaded_value = vec4f(value[first_key[n % 4] + n / 4]);
    for (var k = 0u; k < VECTORS - 1; k++) {
      keys[k] = shift(keys[k], keys[k + 1][0]);
      values[k] = shift(values[k], values[k + 1][0]);
    }
    keys[VECTORS - 1] = shift(keys[VECTORS - 1], loaded_key);
    values[VECTORS - 1] = shift(values[VECTORS - 1], loaded_value);
  }

  let shared_by = params.heads / params.key_heads;
  let begin = query_begin(first);
  let queries = params.query_length - min(begin, params.query_length);
  for (var n = 0u; n < shared_by * queries; n++) {
    if (LONG && n % BLOCK == 0) {
      for (var k = 0u; k < PARTS[0]; k++) {
        key_blocks[k] += of_key[k];
        value_blocks[k] += of_value[k];
        of_key[k] = mat4x4f();
        of_value[k] = mat4x4f();
      }
      for (var k = PARTS[0]; k < PARTS[1]; k++) {
        key_blocks[k] += of_key[k];
        value_blocks[k] += of_value[k];
        of_key[k] = mat4x4f();
        of_value[k] = mat4x4f();
      }
      for (var k = PARTS[1]; k < PARTS[2]; k++) {
        key_blocks[k] += of_key[k];
        value_blocks[k] += of_value[k];
        of_key[k] = mat4x4f();
        of_value[k] = mat4x4f();
      }
      for (var k = PARTS[2]; k < PARTS[3]; k++) {
        key_blocks[k] += of_key[k];
        value_blocks[k] += of_value[k];
        of_key[k] = mat4x4f();
        of_value[k] = mat4x4f();
      }
    }
    let head = batch_head % params.key_heads * shared_by + n / queries;
    let i = begin + n % queries;
    let start = ((batch * params.heads + head) * params.query_length + i) * WIDTH;
    for (var c = 0u; c < CHUNKS; c++) { row[c] = rows[start + min(c * LANES + lane % LANES, WIDTH - 1)]; }
    var score = vec4f();
    var of_p = vec4f();
    for (var k = 0u; k < PARTS[0]; k++) {
      score += row_vector(k) * keys[k];
      of_p += row_vector(VECTORS + k) * values[k];
    }
    for (var k = PARTS[0]; k < PARTS[1]; k++) {
      score += row_vector(k) * keys[k];
      of_p += row_vector(VECTORS + k) * values[k];
    }
    for (var k = PARTS[1]; k < PARTS[2]; k++) {
      score += row_vector(k) * keys[k];
      of_p += row_vector(VECTORS + k) * values[k];
    }
    for (var k = PARTS[2]; k < PARTS[3]; k++) {
      score += row_vector(k) * keys[k];
      of_p += row_vector(VECTORS + k) * values[k];
    }
    score *= params.scale;
    if (HAS_BIAS) {
      let first_bias = batch * params.bias_batch + head * params.bias_head + i * params.bias_row;
      for (var r = 0u; r < 4; r++) { score[r] += f32(bias[first_bias + inside[r]]); }
    }
    let numbers = row_vector(2 * VECTORS);
    let attended = (group <= vec4u(group_at(batch, params.query_offset + i))) & (weight > vec4f());
    let p = select(vec4f(), weight * exp(score - numbers.x), attended);
    let z = p * (of_p - numbers.y);
    for (var k = 0u; k < PARTS[0]; k++) {
      of_key[k] = added(of_key[k], row_vector(k), z);
      of_value[k] = added(of_value[k], row_vector(VECTORS + k), p);
    }
    for (var k = PARTS[0]; k < PARTS[1]; k++) {
      of_key[k] = added(of_key[k], row_vector(k), z);
      of_value[k] = added(of_value[k], row_vector(VECTORS + k), p);
    }
    for (var k = PARTS[1]; k < PARTS[2]; k++) {
      of_key[k] = added(of_key[k], row_vector(k), z);
      of_value[k] = added(of_value[k], row_vector(VECTORS + k), p);
    }
    for (var k = PARTS[2]; k < PARTS[3]; k++) {
      of_key[k] = added(of_key[k], row_vector(k), z);
      of_value[k] = added(of_value[k], row_vector(VECTORS + k), p);
    }
  }

  if (LONG) {
    for (var k = 0u; k < PARTS[0]; k++) {
      of_key[k] += key_blocks[k];
      of_value[k] += value_blocks[k];
    }
    for (var k = PARTS[0]; k < PARTS[1]; k++) {
      of_key[k] += key_blocks[k];
      of_value[k] += value_blocks[k];
    }
    for (var k = PARTS[1]; k < PARTS[2]; k++) {
      of_key[k] += key_blocks[k];
      of_value[k] += value_blocks[k];
    }
    for (var k = PARTS[2]; k < PARTS[3]; k++) {
      of_key[k] += key_blocks[k];
      of_value[k] += value_blocks[k];
    }
  }
  for (var n = 0u; n < 4 * params.vectors; n++) {
    if (j[n % 4] < params.key_length) {
      key_gradient[first_key[n % 4] + n / 4] = vec4<Element>(of_key[0][0] * params.scale);
      value_gradient[first_key[n % 4] + n / 4] = vec4<Element>(of_value[0][0]);
    }
    for (var k = 0u; k < VECTORS - 1; k++) {
      of_key[k] = shift(of_key[k], of_key[k + 1][0]);
      of_value[k] = shift(of_value[k], of_value[k + 1][0]);
    }
    of_key[VECTORS - 1] = shift(of_key[VECTORS - 1], vec4f());
    of_value[VECTORS - 1] = shift(of_value[VECTORS - 1], vec4f());
  }
}
