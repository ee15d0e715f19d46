// A function of each element:   out[i] = f(x[i])
// One invocation an element.
//! import lib/index.wgsl
//! import lib/unary.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { count: u32, p: f32, q: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (count)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (count)

@compute @workgroup_size(WORKGROUP)
fn unary(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  out[i] = Element(evaluate(f32(x[i]), params.p, params.q));
}
