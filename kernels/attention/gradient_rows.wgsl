// What the gradient of attention needs of each query, in one row: the query, the gradient g of its output, and
//   (log_sum_exp, g . output - log_sum_exp_gradient)
// A query that attends no key has HIGHEST for its log-sum-exp, so that its probabilities come out as 0.
// One invocation an element of a row.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const HAS_OUTPUT_GRADIENT = false;
const HAS_LOG_SUM_EXP_GRADIENT = false;
const LOWEST = -3.4e38;
const HIGHEST = 3.4e38;
alias Element = f32;

struct Params { rows: u32, head_size: u32, width: u32 }   // width: 2 D + 2, and up to three zeros to a whole vector
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> query: array<Element>;               // (B, H, Lq, D)
@group(0) @binding(1) var<storage, read> output: array<Element>;              // (B, H, Lq, D)
@group(0) @binding(2) var<storage, read> log_sum_exp: array<f32>;             // (B, H, Lq)
@group(0) @binding(3) var<storage, read> gradient: array<Element>;            // (B, H, Lq, D), with HAS_OUTPUT_GRADIENT
@group(0) @binding(4) var<storage, read> log_sum_exp_gradient: array<f32>;    // (B, H, Lq), with HAS_LOG_SUM_EXP_GRADIENT
@group(0) @binding(5) var<storage, read_write> out: array<f32>;               // (B, H, Lq, width)

@compute @workgroup_size(WORKGROUP)
fn gradient_rows(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = index / params.width;
  if (row >= params.rows) { return; }
  let d = index % params.width;
  let start = row * params.head_size;
  var value = 0.0;
  if (d < params.head_size) {
    value = f32(query[start + d]);
  } else if (d < 2 * params.head_size) {
    if (HAS_OUTPUT_GRADIENT) { value = f32(gradient[start + d - params.head_size]); }
  } else if (d == 2 * params.head_size) {
    value = select(HIGHEST, log_sum_exp[row], log_sum_exp[row] > LOWEST);
  } else if (d == 2 * params.head_size + 1) {
    if (HAS_OUTPUT_GRADIENT) {
      for (var i = start; i < start + params.head_size; i++) { value += f32(gradient[i]) * f32(output[i]); }
    }
    if (HAS_LOG_SUM_EXP_GRADIENT) { value -= log_sum_exp_gradient[row]; }
  }
  out[index] = value;
}
