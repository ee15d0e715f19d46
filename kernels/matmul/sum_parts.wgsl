// Joins sums that were computed in parts of their depth, in the order of the parts:
//   out[b, i] = activate(sum_s sums[s, b, i] + bias[i / bias_stride % bias_size])
// bias_stride is 1 for a matrix product and OH OW for a convolution. out may be a part of a tensor whose batches are
// longer, from out_first on. One invocation an element.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
const HAS_BIAS = false;
alias Element = f32;
alias Result = f32;

struct Params {
  parts: u32, batches: u32, size: u32,   // S, B and the elements of a batch
  bias_stride: u32, bias_size: u32,
  out_batch: u32, out_first: u32,        // elements from one batch of out to the next, and where this begins in it
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;            // (S, B, size)
@group(0) @binding(1) var<storage, read> bias: array<Element>;        // (bias_size), with HAS_BIAS
@group(0) @binding(2) var<storage, read_write> out: array<Result>;    // (B, out_batch)

@compute @workgroup_size(WORKGROUP)
fn sum_parts(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let count = params.batches * params.size;
  if (index >= count) { return; }
  var all = LongSum();
  for (var s = 0u; s < params.parts; s++) { all = with_term(all, sums[s * count + index]); }
  var sum = value_of(all);
  let i = index % params.size;
  if (HAS_BIAS) { sum += f32(bias[i / params.bias_stride % params.bias_size]); }
  out[index / params.size * params.out_batch + params.out_first + i] = Result(activate(sum));
}
