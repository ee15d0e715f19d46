// Reduction of the middle axis, whole or in parts of `length`:
//   out[o, p, i] = scale * reduction over k in part p of x[o, k, i]
// One invocation four neighbouring columns i, whose elements it reads as a vector. `inner` is in vectors.
//! import lib/index.wgsl
//! import lib/reduction.wgsl

const WORKGROUP = 16u;
const BLOCK = 1024u;
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, inner: u32, length: u32, parts: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;       // (outer, n, inner)
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Out>>;   // (outer, parts, inner), `count` vectors

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

  var a = initial_state();
  var b = a;
  var c = a;
  var d = a;
  for (var block = part * params.length; block < end; block += BLOCK) {
    var p = initial_state();
    var q = p;
    var r = p;
    var s = p;
    for (var k = block; k < min(block + BLOCK, end); k++) {
      let v = vec4f(x[start + k * inner]);
      p = absorb(p, v.x);
      q = absorb(q, v.y);
      r = absorb(r, v.z);
      s = absorb(s, v.w);
    }
    a = merge(a, p);
    b = merge(b, q);
    c = merge(c, r);
    d = merge(d, s);
  }
  out[i] = vec4<Out>(vec4f(result_of(a), result_of(b), result_of(c), result_of(d)) * params.scale);
}
