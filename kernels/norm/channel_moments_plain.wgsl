// Mean and biased variance of each channel over batch and space, as BatchNorm has them in training:
//   mean[c] = sum_bs x[b, c, s] / (B S)      variance[c] = sum_bs (x[b, c, s] - mean[c])^2 / (B S)
// B runs of S elements or, where B is larger, S runs of B elements. One invocation a channel.
//! import lib/channel_moments.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn channel_moments(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let channel = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (channel >= params.channels) { return; }
  let m = moments(channel * params.channel_stride, 0u, 1u);
  mean[channel] = m.center + m.correction;
  variance[channel] = m.variance;
}

/// The one lane has it all.
fn total(sums: vec2f, lane: u32) -> vec2f {
  return sums;
}
