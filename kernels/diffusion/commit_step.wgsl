// Ends a step of a sampling loop: state <- next, step <- step + 1 (modulo 2^32: from 0xffffffff to 0).
// One invocation an element; the first also counts.
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { size: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> next: array<Element>;          // (size)
@group(0) @binding(1) var<storage, read_write> state: array<Element>;   // (size)
@group(0) @binding(2) var<storage, read_write> step: array<u32>;        // (1)

@compute @workgroup_size(WORKGROUP)
fn commit_step(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.size) { return; }
  state[i] = next[i];
  if (i == 0u) { step[0] += 1u; }
}
