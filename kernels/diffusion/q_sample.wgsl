// The forward process of Gaussian diffusion (DDPM, Ho et al. 2020, eq. 4), each sample at its own time t[b]:
//   out[b] = sqrt(alpha_bar_t) x0[b] + sqrt(1 - alpha_bar_t) noise[b]
// One invocation an element. The roots come in a table: taken here, the second would lose the digits of
// 1 - alpha_bar where alpha_bar is nearly 1.
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { size: u32, inner: u32, times: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x0: array<Element>;          // (B, inner)
@group(0) @binding(1) var<storage, read> noise: array<Element>;       // (B, inner)
@group(0) @binding(2) var<storage, read> t: array<u32>;               // (B)
@group(0) @binding(3) var<storage, read> roots: array<vec2f>;         // (T) of sqrt(alpha_bar), sqrt(1 - alpha_bar)
@group(0) @binding(4) var<storage, read_write> out: array<Element>;   // (B, inner)

@compute @workgroup_size(WORKGROUP)
fn q_sample(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.size) { return; }
  let time = min(t[i / params.inner], params.times - 1u);
  out[i] = Element(dot(roots[time], vec2f(f32(x0[i]), f32(noise[i]))));
}
