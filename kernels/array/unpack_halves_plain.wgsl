// 16-bit floats as wider ones:   out[i] = half i % 2 of packed[i / 2]
// One invocation an element.
//! import lib/halves.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Target = f32;

struct Params { count: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> packed: array<u32>;         // (ceil(count / 2))
@group(0) @binding(1) var<storage, read_write> out: array<Target>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn unpack_halves(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  out[i] = Target(halves_of(packed[i / 2u])[i % 2u]);
}
