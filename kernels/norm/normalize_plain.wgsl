// LayerNorm, RMSNorm, GroupNorm and L2 normalization with affine, stylization and activation: the formula is in
// lib/normalization.wgsl. One invocation a group.
//! import lib/index.wgsl
//! import lib/normalization.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn normalize(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let group = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (group >= params.groups) { return; }
  write_group(group, 0u, 1u, normalization(group, 0u, 1u));
}

/// The one lane has it all.
fn total(sums: vec2f, lane: u32) -> vec2f {
  return sums;
}
