// Gradient of the normalizations by x, as normalize_gradient_plain.wgsl, for GPUs. One workgroup a group.
//! import lib/index.wgsl
//! import lib/normalization_gradient.wgsl
//! import lib/workgroup_total.wgsl

const WORKGROUP = 256u;   // a multiple of 16
alias Element = f32;

struct Params {
  groups: u32, span: u32, stride: u32,
  rows: u32, row_stride: u32,                // of lib/deviations.wgsl: a group is one run
  spatial: u32,                              // elements of a channel in a group
  channel_groups: u32, sample_groups: u32,   // groups that the channels, and all elements of a sample, fall into
  eps: f32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;              // (groups / stride, span, stride)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;       // as x, of the result
@group(0) @binding(2) var<storage, read> weight: array<Element>;         // (C), with HAS_WEIGHT
@group(0) @binding(3) var<storage, read> scale: array<Element>;          // (B, C), with HAS_SCALE
@group(0) @binding(4) var<storage, read_write> out: array<Element>;      // as x: its gradient
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;         // (2, B, C), with CHANNEL_SUMS: of g and g n
@group(0) @binding(6) var<storage, read_write> statistics: array<f32>;   // (3, groups), with STATISTICS: center, correction
                                                                         // of it, factor

@compute @workgroup_size(WORKGROUP)
fn normalize_gradient_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  if (group >= params.groups) { return; }
  write_gradient(group, lane, WORKGROUP, lane, WORKGROUP);
}
