// What the kernels of the gradients of LayerNorm, RMSNorm, GroupNorm and L2 normalization share. With g the gradient of
// the result, n the normalized elements and h_i = g_i weight_c (1 + scale_bc) the gradient of n_i, that of x is
//   (h_i - mean(h) - n_i mean(h n)) / deviation   STATISTIC 0 of lib/normalization.wgsl
//   (h_i - n_i mean(h n)) / deviation             STATISTIC 1
//   (h_i - n_i sum(h n)) / deviation              STATISTIC 2; h_i / deviation where eps is the deviation
// For the gradients of the parameters a kernel also leaves, of each channel of a sample, the sums of g and g n, or, where
// other groups have elements of that channel too, the group's statistics for normalize_column_sums.wgsl.
// The kernel declares `total` for lib/deviations.wgsl.
//! import lib/group_statistics.wgsl

const CHANNEL_RUNS = false;   // a channel is a run of `spatial` elements; else each element is a channel
const CHANNEL_SUMS = false;   // write `sums`; with CHANNEL_RUNS
const STATISTICS = false;     // write `statistics`
const HAS_WEIGHT = false;
const HAS_SCALE = false;
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

/// Writes the gradient of a group. The sums are shared by `lanes`, the writing by `writers`.
fn write_gradient(group: u32, lane: u32, lanes: u32, writer: u32, writers: u32) {
  let start = first_of(group);
  let channels = params.span / params.spatial;
  let first_channel = group % params.channel_groups * channels;
  let style = group / params.sample_groups * params.channel_groups * channels;
  let n = normalization(group, lane, lanes);
  if (STATISTICS && writer == 0) {
    statistics[group] = n.center;
    statistics[params.groups + group] = n.correction;
    statistics[2 * params.groups + group] = n.factor;
  }

  var means = vec2f();   // of h and h n
  if (CHANNEL_RUNS) {
    let all_channels = params.groups / params.sample_groups * params.channel_groups * channels;
    for (var c = 0u; c < channels; c++) {
      let end = (c + 1) * params.spatial;
      var own = vec2f();
      for (var chunk = c * params.spatial + lane; chunk < end; chunk += CHUNK * lanes) {
        var part = vec2f();
        for (var i = chunk; i < min(chunk + CHUNK * lanes, end); i += lanes) { part += products(start + i, n); }
        own += part;
      }
      if (CHANNEL_SUMS) {
        own = total(own, lane);
        if (writer == 0) {
          sums[style + first_channel + c] = own.x;
          sums[all_channels + style + first_channel + c] = own.y;
        }
      }
      means += own * factor(first_channel + c, style);
    }
  } else {
    for (var chunk = lane; chunk < params.span; chunk += CHUNK * lanes) {
      var part = vec2f();
      for (var i = chunk; i < min(chunk + CHUNK * lanes, params.span); i += lanes) {
        part += products(start + i * params.stride, n) * factor(first_channel + i, style);
      }
      means += part;
    }
  }
  if (!CHANNEL_SUMS) { means = total(means, lane); }
  if (STATISTIC != 2) { means /= f32(params.span); }
  if (STATISTIC != 0) { means.x = 0.0; }
  if (n.clamped) { means.y = 0.0; }

  if (CHANNEL_RUNS) {
    for (var c = 0u; c < channels; c++) {
      let a = factor(first_channel + c, style);
      let end = (c + 1) * params.spatial;
      for (var i = c * params.spatial + writer; i < end; i += writers) { write(start + i, n, a, means); }
    }
  } else {
    for (var i = writer; i < params.span; i += writers) {
      write(start + i * params.stride, n, factor(first_channel + i, style), means);
    }
  }
}

/// g and g n of an element.
fn products(i: u32, n: Normalization) -> vec2f {
  return f32(gradient[i]) * vec2f(1.0, normalized(i, n));
}

/// What h is of g in a channel; `style` is where the channels of its sample begin in scale.
fn factor(channel: u32, style: u32) -> f32 {
  var a = 1.0;
  if (HAS_WEIGHT) { a = f32(weight[channel]); }
  if (HAS_SCALE) { a *= 1.0 + f32(scale[style + channel]); }
  return a;
}

fn write(i: u32, n: Normalization, a: f32, means: vec2f) {
  let h = f32(gradient[i]) * a;
  out[i] = Element((h - means.x - normalized(i, n) * means.y) * n.factor);
}
