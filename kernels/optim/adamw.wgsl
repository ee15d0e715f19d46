// One step of AdamW on one weight, in place (Loshchilov and Hutter, ICLR 2019, algorithm 2), as PyTorch computes it:
//   g = clip gradient;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   w = w - rate decay w - rate (m correction1) / (sqrt(v correction2) + eps)
// with correction_i = 1 / (1 - b_i^t), and the moving average of the weight, a = keep a + (1 - keep) w.
// What changes from step to step is in buffers, so that a captured step can be replayed. A clip of 0 stands for a
// gradient that is no number: nothing is changed then. One invocation an element.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_AVERAGE = false;

// rest_i is 1 - b_i, which would lose digits if it were taken here.
struct Params { count: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32, keep: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<f32>;          // (count)
@group(0) @binding(1) var<storage, read> schedule: array<f32>;          // rate, correction1, correction2
@group(0) @binding(2) var<storage, read> clip: array<f32>;              // (1)
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;      // (count)
@group(0) @binding(4) var<storage, read_write> first: array<f32>;       // m (count)
@group(0) @binding(5) var<storage, read_write> second: array<f32>;      // v (count)
@group(0) @binding(6) var<storage, read_write> average: array<f32>;     // a (count)

@compute @workgroup_size(WORKGROUP)
fn adamw(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count || clip[0] == 0.0) { return; }
  let g = clip[0] * gradient[i];
  let m = fma(params.beta1, first[i], params.rest1 * g);
  let v = fma(params.beta2, second[i], params.rest2 * g * g);
  first[i] = m;
  second[i] = v;
  let rate = schedule[0];
  let direction = m * schedule[1] / (sqrt(v * schedule[2]) + params.eps);
  let w = weight[i] - rate * fma(params.decay, weight[i], direction);
  weight[i] = w;
  if (HAS_AVERAGE) { average[i] = fma(params.keep, average[i] - w, w); }
}
