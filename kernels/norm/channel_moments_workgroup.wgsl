// Mean and biased variance of each channel, as channel_moments_plain.wgsl, for GPUs. One workgroup a channel.
//! import lib/channel_moments.wgsl
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16

@compute @workgroup_size(WORKGROUP)
fn channel_moments_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = linear_workgroup(workgroup, workgroups);
  if (channel >= params.channels) { return; }
  let m = moments(channel * params.channel_stride, lane, WORKGROUP);
  if (lane == 0u) {
    mean[channel] = m.center + m.correction;
    variance[channel] = m.variance;
  }
}
