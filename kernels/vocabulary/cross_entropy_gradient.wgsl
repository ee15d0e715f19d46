// Gradient of the cross-entropy of a window of a vocabulary by its logits l, in their place: with a and b the gradients of
// a row's loss and log-sum-exp, and a = 0 where the target is to be ignored or is no id,
//   (a + b) exp(l_v - logsumexp) - a [v = target]
// One invocation a logit.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_IGNORED = false;
const HAS_LOSS_GRADIENT = false;
const HAS_LOG_SUM_EXP_GRADIENT = false;

struct Params {
  rows: u32,       // R
  ids: u32,        // of the window
  first_id: u32,   // of the window
  columns: u32,    // V
  ignored: u32,    // with HAS_IGNORED
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> targets: array<u32>;               // (R)
@group(0) @binding(1) var<storage, read> log_sum_exp: array<f32>;           // (R)
@group(0) @binding(2) var<storage, read> loss_gradient: array<f32>;         // (R), with HAS_LOSS_GRADIENT
@group(0) @binding(3) var<storage, read> log_sum_exp_gradient: array<f32>;  // (R), with HAS_LOG_SUM_EXP_GRADIENT
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;          // (R, ids)

@compute @workgroup_size(WORKGROUP)
fn cross_entropy_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = i / params.ids;
  if (row >= params.rows) { return; }
  let id = params.first_id + i % params.ids;
  let target_id = targets[row];
  let counts = target_id < params.columns && !(HAS_IGNORED && target_id == params.ignored);
  var of_loss = 0.0;
  if (HAS_LOSS_GRADIENT) { of_loss = select(0.0, loss_gradient[row], counts); }
  var of_sum = of_loss;
  if (HAS_LOG_SUM_EXP_GRADIENT) { of_sum += log_sum_exp_gradient[row]; }
  logits[i] = of_sum * exp(logits[i] - log_sum_exp[row]) - select(0.0, of_loss, id == target_id);
}
