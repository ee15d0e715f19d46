// The chain rule for a function of each element, one invocation an element:   out[i] = gradient[i] f'(x[i])
//! import lib/index.wgsl
//! import lib/unary_derivative.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { count: u32, p: f32, q: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;          // (count)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;   // (count)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;  // (count)

@compute @workgroup_size(WORKGROUP)
fn unary_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  out[i] = Element(f32(gradient[i]) * derivative(f32(x[i]), params.p, params.q));
}
