// A function of each element, four at a time:   out[i] = f(x[i])
// An invocation makes ITEMS vectors, a workgroup apart.
//! import lib/index.wgsl
//! import lib/unary.wgsl

const WORKGROUP = 64u;
const ITEMS = 4u;
alias Element = f32;

struct Params { count: u32, p: f32, q: f32 }   // count is of vectors
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;           // (count)
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Element>>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn unary(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  let p = params.p;
  let q = params.q;
  for (var i = start + local; i < end; i += WORKGROUP) {
    let v = vec4f(x[i]);
    out[i] = vec4<Element>(vec4f(evaluate(v.x, p, q), evaluate(v.y, p, q), evaluate(v.z, p, q), evaluate(v.w, p, q)));
  }
}
