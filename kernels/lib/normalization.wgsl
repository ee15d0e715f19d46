// What the kernels of LayerNorm, RMSNorm, GroupNorm and L2 normalization share. They differ in how many lanes share
// a group of `span` elements that are normalized together:
//   out_i = activate(((x_i - mean) / deviation weight_c + bias_c) (1 + scale_bc) + shift_bc)
//   deviation = sqrt(variance + eps)                     STATISTIC 0
//   deviation = sqrt(mean(x^2) + eps), without mean      STATISTIC 1
//   deviation = max(sqrt(sum(x^2)), eps), without mean   STATISTIC 2
// with c the channel of element i and b its sample; scale and shift are the stylization of MotionDiffuse.
// The kernel declares `total` for lib/deviations.wgsl.
//! import lib/activation.wgsl
//! import lib/group_statistics.wgsl

const CHANNEL_RUNS = false;   // a channel is a run of `spatial` elements; else each element is a channel
const HAS_WEIGHT = false;
const HAS_BIAS = false;
const HAS_SCALE = false;
const HAS_SHIFT = false;
alias Element = f32;

struct Params {
  groups: u32, span: u32, stride: u32,
  rows: u32, row_stride: u32,                // of lib/deviations.wgsl: a group is one run
  spatial: u32,                              // elements of a channel in a group
  channel_groups: u32, sample_groups: u32,   // groups that the channels, and all elements of a sample, fall into
  eps: f32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (groups / stride, span, stride)
@group(0) @binding(1) var<storage, read> weight: array<Element>;      // (C), with HAS_WEIGHT
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (C), with HAS_BIAS
@group(0) @binding(3) var<storage, read> scale: array<Element>;       // (B, C), with HAS_SCALE
@group(0) @binding(4) var<storage, read> shift: array<Element>;       // (B, C), with HAS_SHIFT
@group(0) @binding(5) var<storage, read_write> out: array<Element>;   // as x

/// Writes the elements of a group that fall to a lane.
fn write_group(group: u32, lane: u32, lanes: u32, n: Normalization) {
  let start = first_of(group);
  let channels = params.span / params.spatial;
  let first_channel = group % params.channel_groups * channels;
  let style = group / params.sample_groups * params.channel_groups * channels;
  if (CHANNEL_RUNS) {
    for (var c = 0u; c < channels; c++) {
      let a = affine(first_channel + c, style);
      let end = (c + 1u) * params.spatial;
      for (var i = c * params.spatial + lane; i < end; i += lanes) { write(start + i, n, a); }
    }
  } else {
    for (var i = lane; i < params.span; i += lanes) {
      write(start + i * params.stride, n, affine(first_channel + i, style));
    }
  }
}

/// Factor and offset of a channel; `style` is where the channels of its sample begin in scale and shift.
fn affine(channel: u32, style: u32) -> vec2f {
  var a = vec2f(1.0, 0.0);
  if (HAS_WEIGHT) { a.x = f32(weight[channel]); }
  if (HAS_BIAS) { a.y = f32(bias[channel]); }
  if (HAS_SCALE) { a *= 1.0 + f32(scale[style + channel]); }
  if (HAS_SHIFT) { a.y += f32(shift[style + channel]); }
  return a;
}

fn write(i: u32, n: Normalization, a: vec2f) {
  out[i] = Element(activate(fma(normalized(i, n), a.x, a.y)));
}
