// Mean and biased variance of each channel, as channel_moments_plain.wgsl, for GPUs. One workgroup a channel.
//! import lib/deviations.wgsl
//! import lib/index.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16
alias Element = f32;

struct Params { channels: u32, channel_stride: u32, span: u32, stride: u32, rows: u32, row_stride: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;            // (B, C, S)
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;       // (C)
@group(0) @binding(2) var<storage, read_write> variance: array<f32>;   // (C)

@compute @workgroup_size(WORKGROUP)
fn channel_moments_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let channel = linear_workgroup(workgroup, workgroups);
  if (channel >= params.channels) { return; }
  let m = moments(channel * params.channel_stride, lane, WORKGROUP);
  if (lane == 0u) {
    mean[channel] = m.center + m.correction;
    variance[channel] = m.variance;
  }
}
