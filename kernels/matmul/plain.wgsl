// Matrix product of each batch i, with bias and activation:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// The operands are addressed by strides: a transposed operand has them exchanged, one shared by all batches has a
// batch stride of 0. One invocation an output element.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
const HAS_BIAS = false;
alias Element = f32;
alias Result = f32;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  a_batch: u32, a_row: u32, a_depth: u32,
  b_batch: u32, b_depth: u32, b_column: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Element>;           // (B or 1, M, K) or (B or 1, K, M)
@group(0) @binding(1) var<storage, read> b: array<Element>;           // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, M, N)

@compute @workgroup_size(WORKGROUP)
fn matmul(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let row = i / params.n;
  let column = i % params.n;
  let batch = row / params.m;
  if (batch >= params.batches) { return; }

  var a_index = batch * params.a_batch + row % params.m * params.a_row;
  var b_index = batch * params.b_batch + column * params.b_column;
  var sum = LongSum();
  for (var k = 0u; k < params.k; k++) {
    sum = with_product(sum, f32(a[a_index]), f32(b[b_index]));
    a_index += params.a_depth;
    b_index += params.b_depth;
  }
  var value = value_of(sum);
  if (HAS_BIAS) { value += f32(bias[column]); }
  out[i] = Result(activate(value));
}
