// Reduction of the last axis, whole or in parts of `length`:   out[o, p] = scale * reduction over k in part p of x[o, k]
// One workgroup an element of the output; its invocations read neighbouring elements.
//! import lib/index.wgsl
//! import lib/reduction.wgsl
//! import lib/workgroup_merge.wgsl

const WORKGROUP = 256u;
const BLOCK = 256u;   // elements of an invocation that are added up by themselves
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, length: u32, parts: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;       // (outer, n)
@group(0) @binding(1) var<storage, read_write> out: array<Out>;   // (outer, parts), `count` elements

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_workgroup(workgroup, workgroups);
  if (i >= params.count) { return; }
  let part = i % params.parts;
  let start = i / params.parts * params.n;
  let end = min((part + 1) * params.length, params.n);

  var state = initial_state();
  for (var block = part * params.length + local; block < end; block += BLOCK * WORKGROUP) {
    var sum = initial_state();
    for (var k = block; k < min(block + BLOCK * WORKGROUP, end); k += WORKGROUP) {
      sum = absorb(sum, f32(x[start + k]));
    }
    state = merge(state, sum);
  }
  state = workgroup_merge(state, local, params.length);
  if (local == 0) { out[i] = Out(result_of(state) * params.scale); }
}
