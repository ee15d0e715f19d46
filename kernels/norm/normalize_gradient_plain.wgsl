// Gradient of LayerNorm, RMSNorm, GroupNorm and L2 normalization by x, with the sums that the gradients of the parameters
// are made of: the formula is in lib/normalization_gradient.wgsl. One invocation a group.
//! import lib/index.wgsl
//! import lib/normalization_gradient.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn normalize_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let group = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (group >= params.groups) { return; }
  write_gradient(group, 0u, 1u, 0u, 1u);
}

/// The one lane has it all.
fn total(sums: vec2f, lane: u32) -> vec2f {
  return sums;
}
