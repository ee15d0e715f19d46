// One step of DDIM (Song et al. 2021, eq. 12) for a network that predicts x0, from time t to t':
//   x' = sqrt(abar') x0 + sqrt(1 - abar' - sigma^2) (x - sqrt(abar) x0) / sqrt(1 - abar) + sigma noise
// That is linear in x0, x and noise: their three coefficients come in a table, a row a step, made in double
// precision (ddimCoefficients in src/diffusion/schedule.ts). Which row: the counter `step`, on the device so
// that a captured step can be replayed. With CLAMP the prediction is first clamped to [low, high].
// One invocation an element.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_NOISE = false;
const CLAMP = false;
alias Element = f32;

struct Params { size: u32, steps: u32, low: f32, high: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;             // (size)
@group(0) @binding(1) var<storage, read> predicted: array<Element>;     // (size) x0 by the network
@group(0) @binding(2) var<storage, read> noise: array<Element>;         // (size)
@group(0) @binding(3) var<storage, read> coefficients: array<f32>;      // (S, 3) of x0, x, noise
@group(0) @binding(4) var<storage, read> step: array<u32>;              // (1)
@group(0) @binding(5) var<storage, read_write> out: array<Element>;     // (size)

@compute @workgroup_size(WORKGROUP)
fn ddim_step(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.size) { return; }
  let row = 3u * min(step[0], params.steps - 1u);
  var x0 = f32(predicted[i]);
  if (CLAMP) { x0 = clamp(x0, params.low, params.high); }
  var next = coefficients[row] * x0 + coefficients[row + 1u] * f32(x[i]);
  if (HAS_NOISE) { next += coefficients[row + 2u] * f32(noise[i]); }
  out[i] = Element(next);
}
