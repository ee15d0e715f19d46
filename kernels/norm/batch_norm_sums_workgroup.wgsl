// The sums of batch_norm_sums_plain.wgsl for GPUs. One workgroup a channel.
//! import lib/channel_products.wgsl
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16
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
fn batch_norm_sums_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = linear_workgroup(workgroup, workgroups);
  if (channel >= params.channels) { return; }
  let all = total(channel_products(channel, lane, WORKGROUP), lane);
  if (lane == 0u) { sums[channel] = all; }
}
