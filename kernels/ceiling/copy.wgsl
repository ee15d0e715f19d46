// The memory ceiling of an adapter: to[i] = from[i], 16 bytes an invocation.
// One invocation a vec4.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> source: array<vec4f>;        // (count)
@group(0) @binding(1) var<storage, read_write> target_: array<vec4f>; // (count)

@compute @workgroup_size(WORKGROUP)
fn copy(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i < params.count) { target_[i] = source[i]; }
}
