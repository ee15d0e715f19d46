// What the kernels of a step of a long short-term memory take; the formula is in recurrent/lstm_step_plain.wgsl.
//! import lib/lstm.wgsl

alias Element = f32;

struct Params {
  batch: u32, time: u32, hidden: u32, directions: u32,
  step: u32,
  has_previous: u32,   // 0: the previous state is zero
  has_lengths: u32,    // 0: every row has all T steps
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;               // (B, T, 4H) of direction 0
@group(0) @binding(1) var<storage, read> x_reverse: array<f32>;       // (B, T, 4H) of direction 1
@group(0) @binding(2) var<storage, read> weight: array<Element>;      // (D, 4H, H)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (D, 4H)
@group(0) @binding(4) var<storage, read> lengths: array<u32>;         // (B), with has_lengths
@group(0) @binding(5) var<storage, read> previous: array<f32>;        // (2, B, D, H): h and c, with has_previous
@group(0) @binding(6) var<storage, read_write> next: array<f32>;      // (2, B, D, H)
@group(0) @binding(7) var<storage, read_write> out: array<Element>;   // (B, T, D, H)
