// Mean and biased variance of each channel, as channel_moments_plain.wgsl, for software drivers, where a barrier is
// very expensive. One workgroup of one subgroup a channel; should a device make it several subgroups, each of them
// computes the same.
enable subgroups;
//! import lib/channel_moments.wgsl
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size

@compute @workgroup_size(WORKGROUP)
fn channel_moments_subgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let channel = linear_workgroup(workgroup, workgroups);
  if (channel >= params.channels) { return; }
  let m = moments(channel * params.channel_stride, lane, subgroupAdd(1u));
  if (local == 0u) {
    mean[channel] = m.center + m.correction;
    variance[channel] = m.variance;
  }
}

fn total(sums: vec2f, lane: u32) -> vec2f {
  return subgroupAdd(sums);
}
