// One step of stochastic gradient descent on one weight, in place, as PyTorch computes it:
//   g = clip gradient + decay w;  b = momentum b + g;  w = w - rate b,  or with NESTEROV  w = w - rate (g + momentum b)
// Without HAS_MOMENTUM b is g itself and is not kept. The rate is in a buffer, so that a captured step can be replayed. A
// clip of 0 stands for a gradient that is no number: nothing is changed then. One invocation an element.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_MOMENTUM = false;
const NESTEROV = false;

struct Params { count: u32, momentum: f32, decay: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<f32>;       // (count)
@group(0) @binding(1) var<storage, read> rate: array<f32>;           // (1)
@group(0) @binding(2) var<storage, read> clip: array<f32>;           // (1)
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;   // (count)
@group(0) @binding(4) var<storage, read_write> velocity: array<f32>; // b (count)

@compute @workgroup_size(WORKGROUP)
fn sgd(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count || clip[0] == 0.0) { return; }
  let g = fma(params.decay, weight[i], clip[0] * gradient[i]);
  var direction = g;
  if (HAS_MOMENTUM) {
    let b = fma(params.momentum, velocity[i], g);
    velocity[i] = b;
    direction = select(b, fma(params.momentum, b, g), NESTEROV);
  }
  weight[i] -= rate[0] * direction;
}
