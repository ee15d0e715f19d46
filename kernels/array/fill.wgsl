// One number in every element, of any type: whole words are written, two halves in each for f16.
// An invocation writes ITEMS words a workgroup apart, or vectors of four when Unit is one.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
alias Unit = u32;

struct Params { count: u32, bits: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> out: array<Unit>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn fill(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) { out[i] = Unit(params.bits); }
}
