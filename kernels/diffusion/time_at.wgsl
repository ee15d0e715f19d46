// The time of the current step for every sample of a batch: t[b] = times[step].
// One invocation a sample.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { batch: u32, steps: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> times: array<u32>;       // (S)
@group(0) @binding(1) var<storage, read> step: array<u32>;        // (1)
@group(0) @binding(2) var<storage, read_write> t: array<u32>;     // (B)

@compute @workgroup_size(WORKGROUP)
fn time_at(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let sample = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (sample >= params.batch) { return; }
  t[sample] = times[min(step[0], params.steps - 1u)];
}
