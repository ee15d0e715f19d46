// Gradient of attention (plain.wgsl) by the queries, with g_i the gradient of output i, from what the forward pass left:
//   p_ij = w_j exp(s_ij - log_sum_exp_i), 0 where j is not attended     s_ij = scale q_i . k_j + bias_ij
//   z_ij = p_ij (g_i . v_j - delta_i)                                   delta_i = g_i . output_i - log_sum_exp_gradient_i
//   out_i = scale sum_j z_ij k_j
// (Dao et al., arXiv:2205.14135, appendix B.2: no matrix of p or z is stored.)
// One invocation a query.
//! import lib/attention_gradient_scalars.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HEAD_SIZE = 64u;   // D again: the size of an array must be a constant

@group(0) @binding(6) var<storage, read_write> out: array<Element>;        // (B, H, Lq, D)

@compute @workgroup_size(WORKGROUP)
fn attention_gradient_query(
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

  var sums: array<f32, HEAD_SIZE>;     // sum_j z_ij k_j
  var blocks: array<f32, HEAD_SIZE>;   // of the keys before, with LONG
  let end = key_end(batch, position);
  for (var j = 0u; j < end; j++) {
    if (LONG && j % BLOCK == 0) {
      for (var d = 0u; d < params.head_size; d++) {
        blocks[d] += sums[d];
        sums[d] = 0.0;
      }
    }
    let weight = weight_at(batch, j);
    if (weight == 0 || group_at(batch, j) > group) { continue; }
    var offset = 0.0;
    if (HAS_BIAS) { offset = f32(bias[first_bias + j]); }
    let at = (first_key + j) * params.head_size;
    let z = probability(row * params.width, at, offset, weight).y;
    for (var d = 0u; d < params.head_size; d++) { sums[d] += z * f32(key[at + d]); }
  }
  for (var d = 0u; d < params.head_size; d++) {
    var sum = sums[d];
    if (LONG) { sum += blocks[d]; }
    out[row * params.head_size + d] = Element(sum * params.scale);
  }
}
