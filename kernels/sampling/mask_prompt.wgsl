// The sequences as the unconditional pass of classifier-free guidance sees them: all before the answer masked
// (LLaDA). One invocation a position.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { count: u32, length: u32, start: u32, mask_id: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> tokens: array<u32>;        // (B, L), count = B L
@group(0) @binding(1) var<storage, read_write> out: array<u32>;     // (B, L)

@compute @workgroup_size(WORKGROUP)
fn mask_prompt(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  out[i] = select(params.mask_id, tokens[i], i % params.length >= params.start);
}
