// A linear layer with a quantised weight (lib/quantized.wgsl), bias and activation:
//   out[m, n] = activate(sum_k input[m, k] w[n, k] + bias[n])
// One invocation an output element.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/long_sum.wgsl
//! import lib/quantized_element.wgsl

const WORKGROUP = 64u;
const HAS_BIAS = false;
alias Element = f32;
alias Result = f32;

struct Params { m: u32, n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Element>;       // (M, K)
@group(0) @binding(1) var<storage, read> values: array<u32>;          // (N, words)
@group(0) @binding(2) var<storage, read> scales: array<Scale>;        // (N, groups)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<Result>;    // (M, N)

@compute @workgroup_size(WORKGROUP)
fn quantized_linear(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = i / params.n;
  let column = i % params.n;
  if (row >= params.m) { return; }
  var sum = LongSum();
  for (var k = 0u; k < params.k; k++) {
    sum = with_product(sum, f32(input[row * params.k + k]), weight_at(column, k));
  }
  var value = value_of(sum);
  if (HAS_BIAS) { value += f32(bias[column]); }
  out[i] = Result(activate(value));
}
