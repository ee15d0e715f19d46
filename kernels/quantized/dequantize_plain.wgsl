// A quantised weight back as numbers, out[n, k] = w[n, k] of lib/quantized.wgsl. One invocation an element.
//! import lib/index.wgsl
//! import lib/quantized_element.wgsl

const WORKGROUP = 64u;
alias Result = f32;

struct Params { n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> values: array<u32>;          // (N, words)
@group(0) @binding(1) var<storage, read> scales: array<Scale>;        // (N, groups)
@group(0) @binding(2) var<storage, read_write> out: array<Result>;    // (N, K)

@compute @workgroup_size(WORKGROUP)
fn dequantize(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.n * params.k) { return; }
  out[i] = Result(weight_at(i / params.k, i % params.k));
}
