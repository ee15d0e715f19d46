// The sums of batch_norm_sums_plain.wgsl for GPUs. One workgroup a channel.
//! import lib/channel_products.wgsl
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16

@compute @workgroup_size(WORKGROUP)
fn batch_norm_sums_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = linear_workgroup(workgroup, workgroups);
  if (channel >= params.channels) { return; }
  let all = total(channel_products(channel, lane, WORKGROUP), lane);
  if (lane == 0u) { sums[channel] = all; }
}
