// What the recurrent weights of a long short-term memory were applied to at each time: the h of the step before, which for
// direction 1 is that of the time after, and the initial h at a row's first step. 0 beyond a row's length.
// One invocation an element.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32, time: u32, hidden: u32, directions: u32,
  has_initial: u32,   // 0: the initial state is zero
  has_lengths: u32,   // 0: every row has all T steps
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> output: array<f32>;      // (B, T, D, H): h of every time
@group(0) @binding(1) var<storage, read> initial: array<f32>;     // (2, B, D, H): h and c, with has_initial
@group(0) @binding(2) var<storage, read> lengths: array<u32>;     // (B), with has_lengths
@group(0) @binding(3) var<storage, read_write> out: array<f32>;   // (D, B, T, H)

@compute @workgroup_size(WORKGROUP)
fn previous(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.directions * params.batch * params.time * params.hidden) { return; }
  let unit = i % params.hidden;
  let t = i / params.hidden % params.time;
  let row = i / params.hidden / params.time % params.batch;
  let direction = i / params.hidden / params.time / params.batch;
  var length = params.time;
  if (params.has_lengths != 0) { length = min(length, lengths[row]); }

  let first = select(0u, length - 1, direction == 1);
  var h = 0.0;
  if (t < length && t != first) {
    let before = select(t - 1, t + 1, direction == 1);
    h = output[((row * params.time + before) * params.directions + direction) * params.hidden + unit];
  } else if (t < length && params.has_initial != 0) {
    h = initial[(row * params.directions + direction) * params.hidden + unit];
  }
  out[i] = h;
}
