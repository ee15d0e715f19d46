// A quantised weight back as numbers, out[n, k] = w[n, k] of lib/quantized.wgsl, where rows are made of fours.
// One invocation four neighbours.
//! import lib/index.wgsl
//! import lib/quantized_element.wgsl

const WORKGROUP = 64u;
alias Result = f32;

struct Params { n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> values: array<u32>;                // (N, words)
@group(0) @binding(1) var<storage, read> scales: array<Scale>;              // (N, groups)
@group(0) @binding(2) var<storage, read_write> out: array<vec4<Result>>;    // (N, K / 4)

@compute @workgroup_size(WORKGROUP)
fn dequantize_vector(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  let quads = params.k / 4;
  if (i >= params.n * quads) { return; }
  out[i] = vec4<Result>(weight_quad(i / quads, 4 * (i % quads)));
}
