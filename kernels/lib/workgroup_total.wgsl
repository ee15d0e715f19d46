// Sums over a workgroup: workgroup_merge with addition. The kernel declares WORKGROUP, a multiple of PARTS.
//! import lib/workgroup_merge.wgsl

fn merge(a: vec2f, b: vec2f) -> vec2f {
  return a + b;
}

/// The sum over all invocations, the same for each of them; to be called by all.
fn total(sums: vec2f, lane: u32) -> vec2f {
  return workgroup_merge(sums, lane, WORKGROUP);
}
