// For each channel of a batch normalization the sums over batch and space of g, the gradient of the result, and of g n,
//   n[b, c, s] = (x[b, c, s] - mean[c]) / sqrt(variance[c] + eps)
// B runs of S elements or, where B is larger, S runs of B elements. One invocation a channel.
//! import lib/channel_products.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn batch_norm_sums(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let channel = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (channel >= params.channels) { return; }
  sums[channel] = channel_products(channel, 0u, 1u);
}
