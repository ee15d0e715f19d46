// Gradient of attention (plain.wgsl) by keys and values; p, z and g are those of gradient_query_plain.wgsl:
//   key_gradient_j   = scale sum_i z_ij q_i
//   value_gradient_j = sum_i p_ij g_i
// over the queries i of all heads that share the key. One invocation a key.
//! import lib/attention_gradient_scalars.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HEAD_SIZE = 64u;   // D again: the size of an array must be a constant

@group(0) @binding(6) var<storage, read_write> key_gradient: array<Element>;     // (B, Hkv, Lk, D)
@group(0) @binding(7) var<storage, read_write> value_gradient: array<Element>;   // (B, Hkv, Lk, D)

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_key_value(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let key_row = linear_index(workgroup, workgroups, WORKGROUP, local);
  let j = key_row % params.key_length;
  let key_head = key_row / params.key_length % params.key_heads;
  let batch = key_row / params.key_length / params.key_heads;
  if (batch >= params.batches) { return; }
  let at = key_row * params.head_size;
  let shared_by = params.heads / params.key_heads;
  let weight = weight_at(batch, j);
  let group = group_at(batch, j);

  var of_key: array<f32, HEAD_SIZE>;     // sum_i z_ij q_i
  var of_value: array<f32, HEAD_SIZE>;   // sum_i p_ij g_i
  var key_blocks: array<f32, HEAD_SIZE>;     // of the queries before, with LONG
  var value_blocks: array<f32, HEAD_SIZE>;
  for (var head = key_head * shared_by; head < (key_head + 1) * shared_by; head++) {
    let first_bias = batch * params.bias_batch + head * params.bias_head;
    for (var i = query_begin(j); i < params.query_length; i++) {
      if (LONG && i % BLOCK == 0) {
        for (var d = 0u; d < params.head_size; d++) {
          key_blocks[d] += of_key[d];
          value_blocks[d] += of_value[d];
          of_key[d] = 0.0;
          of_value[d] = 0.0;
        }
      }
      if (weight == 0 || group > group_at(batch, params.query_offset + i)) { continue; }
      var offset = 0.0;
      if (HAS_BIAS) { offset = f32(bias[first_bias + i * params.bias_row + j]); }
      let row = ((batch * params.heads + head) * params.query_length + i) * params.width;
      let pair = probability(row, at, offset, weight);
      for (var d = 0u; d < params.head_size; d++) {
        of_key[d] += pair.y * rows[row + d];
        of_value[d] += pair.x * rows[row + params.head_size + d];
      }
    }
  }
  for (var d = 0u; d < params.head_size; d++) {
    if (LONG) {
      of_key[d] += key_blocks[d];
      of_value[d] += value_blocks[d];
    }
    key_gradient[at + d] = Element(of_key[d] * params.scale);
    value_gradient[at + d] = Element(of_value[d]);
  }
}
