// What the kernels of the mean and variance of channels take; the formula is in norm/channel_moments_plain.wgsl. The kernel
// declares `total` for lib/deviations.wgsl.
//! import lib/deviations.wgsl

alias Element = f32;

struct Params { channels: u32, channel_stride: u32, span: u32, stride: u32, rows: u32, row_stride: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;            // (B, C, S)
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;       // (C)
@group(0) @binding(2) var<storage, read_write> variance: array<f32>;   // (C)
