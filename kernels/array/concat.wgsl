// One operand of a concatenation: rows of `width` units, each copied into a longer row of the output
//   out[r, start + j] = x[r, j]
// An invocation copies ITEMS units a workgroup apart; a unit is an element or several.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
alias Unit = u32;

struct Params { count: u32, width: u32, start: u32, pitch: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Unit>;           // (rows, width), `count` in all
@group(0) @binding(1) var<storage, read_write> out: array<Unit>;   // (rows, pitch)

@compute @workgroup_size(WORKGROUP)
fn concat(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    out[i / params.width * params.pitch + params.start + i % params.width] = x[i];
  }
}
