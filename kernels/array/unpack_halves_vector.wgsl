// 16-bit floats as wider ones:   out[i] = half i % 2 of packed[i / 2],   eight at a time
// An invocation takes ITEMS groups of eight, a workgroup apart: one load, two stores each.
//! import lib/halves.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
alias Target = f32;

struct Params { groups: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> packed: array<vec4u>;             // (groups)
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Target>>;   // (groups, 2)

@compute @workgroup_size(WORKGROUP)
fn unpack_halves(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.groups);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let words = packed[i];
    out[2u * i] = vec4<Target>(vec4f(halves_of(words.x), halves_of(words.y)));
    out[2u * i + 1u] = vec4<Target>(vec4f(halves_of(words.z), halves_of(words.w)));
  }
}
