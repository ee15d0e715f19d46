// Flat indices for grids made by `spread` (src/ops/grid.ts): one axis of work laid out over a grid of
// two, because a side of a grid holds at most 65535 workgroups.

/// Index of this workgroup.
fn linear_workgroup(workgroup: vec3u, workgroups: vec3u) -> u32 {
  return workgroup.x + workgroup.y * workgroups.x;
}

/// Index of this invocation among workgroups of `size`.
fn linear_index(workgroup: vec3u, workgroups: vec3u, size: u32, local: u32) -> u32 {
  return linear_workgroup(workgroup, workgroups) * size + local;
}
