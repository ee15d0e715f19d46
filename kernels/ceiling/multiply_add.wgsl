// The arithmetic ceiling of an adapter: chains of fused multiply-adds that depend on nothing but
// themselves, x <- x * a + b, on 8 vectors of 4 in registers. 64 flops an invocation and round.
// One invocation a chain; `out` only keeps the compiler from dropping the work.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { rounds: u32, a: f32, b: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;       // (invocations)

@compute @workgroup_size(WORKGROUP)
fn multiply_add(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let a = vec4f(params.a);
  let b = vec4f(params.b);
  var x0 = vec4f(f32(i), 1.0, 2.0, 3.0);
  var x1 = x0 + 4.0;
  var x2 = x0 + 5.0;
  var x3 = x0 + 6.0;
  var x4 = x0 + 7.0;
  var x5 = x0 + 8.0;
  var x6 = x0 + 9.0;
  var x7 = x0 + 10.0;
  for (var round = 0u; round < params.rounds; round++) {
    x0 = fma(x0, a, b);
    x1 = fma(x1, a, b);
    x2 = fma(x2, a, b);
    x3 = fma(x3, a, b);
    x4 = fma(x4, a, b);
    x5 = fma(x5, a, b);
    x6 = fma(x6, a, b);
    x7 = fma(x7, a, b);
  }
  let sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7;
  out[i] = sum.x + sum.y + sum.z + sum.w;
}
