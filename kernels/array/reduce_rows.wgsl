// Reduction of the last axis, whole or in parts of `length`:   out[o, p] = scale * reduction over k in part p of x[o, k]
// One invocation an element of the output; it reads vectors of four and keeps a state for each of their lanes.
// Lengths are in vectors.
//! import lib/index.wgsl
//! import lib/reduction.wgsl

const WORKGROUP = 16u;
const BLOCK = 1024u;
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, length: u32, parts: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;   // (outer, n)
@group(0) @binding(1) var<storage, read_write> out: array<Out>;     // (outer, parts), `count` elements

@compute @workgroup_size(WORKGROUP)
fn reduce(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let part = i % params.parts;
  let start = i / params.parts * params.n;
  let end = min((part + 1) * params.length, params.n);

  var state = initial_state();
  for (var block = part * params.length; block < end; block += BLOCK) {
    var a = initial_state();
    var b = a;
    var c = a;
    var d = a;
    for (var k = block; k < min(block + BLOCK, end); k++) {
      let v = vec4f(x[start + k]);
      a = absorb(a, v.x);
      b = absorb(b, v.y);
      c = absorb(c, v.z);
      d = absorb(d, v.w);
    }
    state = merge(state, merge(merge(a, b), merge(c, d)));
  }
  out[i] = Out(result_of(state) * params.scale);
}
