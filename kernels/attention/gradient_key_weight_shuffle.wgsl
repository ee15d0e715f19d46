// Gradient of attention by the weights of the keys, as gradient_key_weight_plain.wgsl states it, for software drivers, by the
// technique of gradient_key_value_shuffle.wgsl: a lane keeps four keys, their values and their sums, head by head, and the
// lanes of a subgroup hold the row of a query together.
//! import lib/attention_gradient_vectors.wgsl
//! import lib/attention_row.wgsl
//! import lib/index.wgsl

const CHUNKS = (WIDTH + LANES - 1) / LANES;

@group(0) @binding(6) var<storage, read_write> out: array<KeyWeight>;      // (B, Lk)

var<private> keys: array<mat4x4f, VECTORS>;       // [vector of the head][key]
var<private> values: array<mat4x4f, VECTORS>;     // likewise

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_key_weight_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tiles = (params.key_length + TILE - 1) / TILE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch = index / tiles;
  if (batch >= params.batches) { return; }
  // Keys beyond the last repeat it and are not stored.
  let first = index % tiles * TILE;
  let j = first + local + vec4u(0, WORKGROUP, 2 * WORKGROUP, 3 * WORKGROUP);
  let inside = min(j, vec4u(params.key_length - 1));
  var group: vec4u;
  for (var r = 0u; r < 4; r++) { group[r] = group_at(batch, inside[r]); }

  let shared_by = params.heads / params.key_heads;
  let begin = query_begin(first);
  let queries = params.query_length - min(begin, params.query_length);
  var sums: vec4f;
  var blocks: vec4f;   // of the queries before, with LONG
  for (var key_head = 0u; key_head < params.key_heads; key_head++) {
    let first_key = ((batch * params.key_heads + key_head) * params.key_length + inside) * VECTORS;
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
    for (var n = 0u; n < shared_by * queries; n++) {
      if (LONG && n % BLOCK == 0) {
        blocks += sums;
        sums = vec4f();
      }
      let head = key_head * shared_by + n / queries;
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
      let attended = group <= vec4u(group_at(batch, params.query_offset + i));
      sums += select(vec4f(), exp(score - numbers.x) * (of_p - numbers.y), attended);
    }
  }
  sums += blocks;
  for (var r = 0u; r < 4; r++) {
    if (j[r] < params.key_length) { out[batch * params.key_length + j[r]] = KeyWeight(sums[r]); }
  }
}
