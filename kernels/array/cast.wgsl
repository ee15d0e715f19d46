// Conversion of each element:   out[i] = Target(x[i])
// An invocation converts ITEMS elements a workgroup apart, or vectors of four when From and To are.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
alias Source = f32;
alias Target = f32;
alias From = Source;
alias To = Target;

struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<From>;         // (count)
@group(0) @binding(1) var<storage, read_write> out: array<To>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn convert(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    out[i] = To(x[i]);
  }
}
