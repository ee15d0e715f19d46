// Sinusoidal embedding of diffusion times, cosines first (as MotionDiffuse), h = floor(D / 2):
//   out[b, i] = cos(t[b] f_i),  out[b, h + i] = sin(t[b] f_i),  f_i = max_period^(-i / h)
// and 0 in the last column of an odd D. One invocation an element.
//! import lib/index.wgsl
//! import lib/trigonometry.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { batch: u32, columns: u32, log2_period: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> t: array<u32>;               // (B)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (B, D)

@compute @workgroup_size(WORKGROUP)
fn time_embedding(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (element >= params.batch * params.columns) { return; }
  let half = params.columns / 2u;
  let column = element % params.columns;
  let frequency = exp2(-params.log2_period * (f32(column % half) / f32(half)));
  let angle = f32(t[element / params.columns]) * frequency;
  let wave = select(accurate_sin(angle), accurate_cos(angle), column < half);
  out[element] = Element(select(wave, 0.0, column == 2u * half));
}
