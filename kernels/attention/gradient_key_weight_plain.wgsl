// Gradient of attention (plain.wgsl) by the weights of the keys; s, g, log_sum_exp and delta are those of
// gradient_query_plain.wgsl:
//   out_j = sum_i exp(s_ij - log_sum_exp_i) (g_i . v_j - delta_i)
// over the queries i of all heads that may attend key j, also where its weight is 0. To be launched with KEY_WEIGHT 0: the
// weight itself is no factor of its gradient. One invocation a key.
//! import lib/attention_gradient_scalars.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

@group(0) @binding(6) var<storage, read_write> out: array<KeyWeight>;      // (B, Lk)

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_key_weight(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let j = index % params.key_length;
  let batch = index / params.key_length;
  if (batch >= params.batches) { return; }
  let shared_by = params.heads / params.key_heads;
  let group = group_at(batch, j);

  var sum = 0.0;
  var blocks = 0.0;   // of the queries before, with LONG
  for (var head = 0u; head < params.heads; head++) {
    let at = ((batch * params.key_heads + head / shared_by) * params.key_length + j) * params.head_size;
    let first_bias = batch * params.bias_batch + head * params.bias_head;
    let first_row = (batch * params.heads + head) * params.query_length;
    for (var i = query_begin(j); i < params.query_length; i++) {
      if (LONG && i % BLOCK == 0) {
        blocks += sum;
        sum = 0.0;
      }
      if (group > group_at(batch, params.query_offset + i)) { continue; }
      var offset = 0.0;
      if (HAS_BIAS) { offset = f32(bias[first_bias + i * params.bias_row + j]); }
      sum += probability((first_row + i) * params.width, at, offset, 1.0).y;
    }
  }
  out[index] = KeyWeight(sum + blocks);
}
