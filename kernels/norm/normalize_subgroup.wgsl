// LayerNorm, RMSNorm, GroupNorm and L2 normalization (lib/normalization.wgsl) for software drivers, where a barrier is
// very expensive. One workgroup of one subgroup a group; should a device make it several subgroups, each of them
// computes the sums for itself and they share the writing.
enable subgroups;
//! import lib/index.wgsl
//! import lib/normalization.wgsl

const WORKGROUP = 8u;   // the largest subgroup size

@compute @workgroup_size(WORKGROUP)
fn normalize_subgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  if (group >= params.groups) { return; }
  let n = normalization(group, lane, subgroupAdd(1u));
  write_group(group, local, WORKGROUP, n);
}

fn total(sums: vec2f, lane: u32) -> vec2f {
  return subgroupAdd(sums);
}
