// The gates and cells of a long short-term memory layer at every time, again, for its gradient; the formula is that of
// lstm_step_plain.wgsl. What the weights give is known for all times at once, so that only c goes from step to step.
// One invocation a hidden unit of a batch row and direction, through all steps. Beyond a row's length all is 0.
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32, time: u32, hidden: u32, directions: u32,
  has_initial: u32,   // 0: the initial state is zero
  has_lengths: u32,   // 0: every row has all T steps
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> recurrent: array<f32>;     // (D, B, T, 4H): the recurrent weights' share
@group(0) @binding(1) var<storage, read> bias: array<f32>;          // (2, D, 4H): of the input and of h
@group(0) @binding(2) var<storage, read> initial: array<f32>;       // (2, B, D, H): h and c, with has_initial
@group(0) @binding(3) var<storage, read> lengths: array<u32>;       // (B), with has_lengths
@group(0) @binding(4) var<storage, read_write> gates: array<f32>;   // (D, B, T, 4H): the input's share becomes i, f, g, o
@group(0) @binding(5) var<storage, read_write> cells: array<f32>;   // (D, B, T, H): c after the step

@compute @workgroup_size(WORKGROUP)
fn gates_and_cells(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let hidden = params.hidden;
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (index >= params.directions * params.batch * hidden) { return; }
  let unit = index % hidden;
  let row = index / hidden % params.batch;
  let direction = index / hidden / params.batch;
  var length = params.time;
  if (params.has_lengths != 0) { length = min(length, lengths[row]); }

  var biases: vec4f;
  for (var gate = 0u; gate < 4; gate++) {
    let column = (direction * 4 + gate) * hidden + unit;
    biases[gate] = bias[column] + bias[params.directions * 4 * hidden + column];
  }
  var c = 0.0;
  if (params.has_initial != 0) { c = initial[((params.batch + row) * params.directions + direction) * hidden + unit]; }
  for (var step = 0u; step < params.time; step++) {
    let valid = step < length;
    let t = select(step, length - 1 - step, valid && direction == 1);
    let at = (direction * params.batch + row) * params.time + t;
    var sums = biases;
    for (var gate = 0u; gate < 4; gate++) {
      let i = (at * 4 + gate) * hidden + unit;
      sums[gate] += gates[i] + recurrent[i];
    }
    let own = vec4f(sigmoid(sums.x), sigmoid(sums.y), tanh_stable(sums.z), sigmoid(sums.w));
    c = own.y * c + own.x * own.z;
    for (var gate = 0u; gate < 4; gate++) { gates[(at * 4 + gate) * hidden + unit] = select(0.0, own[gate], valid); }
    cells[at * hidden + unit] = select(0.0, c, valid);
  }
}
