// Gradient of the normalizations by x, as normalize_gradient_plain.wgsl, for GPUs. One workgroup a group.
//! import lib/index.wgsl
//! import lib/normalization_gradient.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16

@compute @workgroup_size(WORKGROUP)
fn normalize_gradient_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  if (group >= params.groups) { return; }
  write_gradient(group, lane, WORKGROUP, lane, WORKGROUP);
}
