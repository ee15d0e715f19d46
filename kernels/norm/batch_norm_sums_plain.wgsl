// For each channel of a batch normalization the sums over batch and space of g, the gradient of the result, and of g n,
//   n[b, c, s] = (x[b, c, s] - mean[c]) / sqrt(variance[c] + eps)
// B runs of S elements or, where B is larger, S runs of B elements. One invocation a channel.
//! import lib/channel_products.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params {
  channels: u32, channel_stride: u32, span: u32, stride: u32, rows: u32, row_stride: u32,   // lib/channel_products.wgsl
  eps: f32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;          // (B, C, S)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;   // (B, C, S), of the result
@group(0) @binding(2) var<storage, read> mean: array<f32>;           // (C)
@group(0) @binding(3) var<storage, read> variance: array<f32>;       // (C)
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;   // (C): of g and g n

@compute @workgroup_size(WORKGROUP)
fn batch_norm_sums(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let channel = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (channel >= params.channels) { return; }
  sums[channel] = channel_products(channel, 0u, 1u);
}
