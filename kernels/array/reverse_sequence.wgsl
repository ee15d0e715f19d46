// The first length_b steps of each sequence backwards, the rest as they are (what a recurrence over padded sequences
// reads in its backward direction):   out[b, t] = x[b, t < length_b ? length_b - 1 - t : t]
// One invocation a unit, which is an element or several.
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Unit = u32;

struct Params { count: u32, steps: u32, width: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Unit>;            // (B, steps, width)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;       // (B)
@group(0) @binding(2) var<storage, read_write> out: array<Unit>;    // (B, steps, width)

@compute @workgroup_size(WORKGROUP)
fn reverse_sequence(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let column = i % params.width;
  let step = i / params.width % params.steps;
  let sequence = i / (params.width * params.steps);
  let length = min(lengths[sequence], params.steps);
  let source = select(step, length - 1 - step, step < length);
  out[i] = x[(sequence * params.steps + source) * params.width + column];
}
