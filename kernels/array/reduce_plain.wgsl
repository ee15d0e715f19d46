// Reduction of the middle axis, whole or in parts of `length`:
//   out[o, p, i] = scale * reduction over k in part p of x[o, k, i]
// One invocation an element of the output. It adds up in blocks, so that the rounding error grows with the block and
// with their number, not with n.
//! import lib/index.wgsl
//! import lib/reduction.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, inner: u32, length: u32, parts: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;       // (outer, n, inner)
@group(0) @binding(1) var<storage, read_write> out: array<Out>;   // (outer, parts, inner), `count` elements

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let inner = params.inner;
  let column = i % inner;
  let part = i / inner % params.parts;
  let start = i / (inner * params.parts) * params.n * inner + column;
  let end = min((part + 1) * params.length, params.n);

  var state = initial_state();
  for (var block = part * params.length; block < end; block += BLOCK) {
    var sum = initial_state();
    for (var k = block; k < min(block + BLOCK, end); k++) { sum = absorb(sum, f32(x[start + k * inner])); }
    state = merge(state, sum);
  }
  out[i] = Out(result_of(state) * params.scale);
}
