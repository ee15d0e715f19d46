// All time steps of a long short-term memory layer in one dispatch, for GPUs; the formula and the treatment of lengths
// are those of lstm_step_plain.wgsl. The weights are transposed, so that neighbours read neighbouring words.
// One workgroup a batch row and direction; an invocation computes the units local, local + WORKGROUP, … of every step.
// h passes from step to step through workgroup memory, in two halves that are read and written in turns.
//! import lib/index.wgsl
//! import lib/lstm.wgsl

const WORKGROUP = 256u;
const CAPACITY = 256u;   // at least H
alias Element = f32;

struct Params {
  batch: u32, time: u32, hidden: u32, directions: u32,
  has_state: u32,     // 0: the initial state is zero
  has_lengths: u32,   // 0: every row has all T steps
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;               // (B, T, 4H) of direction 0
@group(0) @binding(1) var<storage, read> x_reverse: array<f32>;       // (B, T, 4H) of direction 1
@group(0) @binding(2) var<storage, read> weight: array<Element>;      // (D, H, 4H)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (D, 4H)
@group(0) @binding(4) var<storage, read> lengths: array<u32>;         // (B), with has_lengths
@group(0) @binding(5) var<storage, read> initial: array<f32>;         // (2, B, D, H): h and c, with has_state
@group(0) @binding(6) var<storage, read_write> state: array<f32>;     // (2, B, D, H): h and c after the last step
@group(0) @binding(7) var<storage, read_write> out: array<Element>;   // (B, T, D, H)

var<workgroup> h: array<f32, 2 * CAPACITY>;   // [half][unit]
var<workgroup> c: array<f32, CAPACITY>;       // a unit's own invocation alone reads and writes it

@compute @workgroup_size(WORKGROUP)
fn lstm(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let hidden = params.hidden;
  let pair = linear_workgroup(workgroup, workgroups);
  if (pair >= params.batch * params.directions) { return; }
  let row = pair / params.directions;
  let direction = pair % params.directions;
  let states = params.batch * params.directions * hidden;
  var length = params.time;
  if (params.has_lengths != 0) { length = min(length, lengths[row]); }

  for (var unit = local; unit < hidden; unit += WORKGROUP) {
    h[unit] = 0.0;
    c[unit] = 0.0;
    if (params.has_state != 0) {
      h[unit] = initial[pair * hidden + unit];
      c[unit] = initial[states + pair * hidden + unit];
    }
  }

  for (var step = 0u; step < length; step++) {
    workgroupBarrier();
    let t = select(step, length - 1 - step, direction == 1);
    let old = step % 2 * CAPACITY;
    for (var unit = local; unit < hidden; unit += WORKGROUP) {
      var gates: vec4f;
      for (var gate = 0u; gate < 4; gate++) {
        let column = gate * hidden + unit;
        let x_index = (row * params.time + t) * 4 * hidden + column;
        if (direction == 0) { gates[gate] = x[x_index]; } else { gates[gate] = x_reverse[x_index]; }
        gates[gate] += f32(bias[direction * 4 * hidden + column]);
      }
      for (var k = 0u; k < hidden; k++) {
        var weights: vec4f;
        for (var gate = 0u; gate < 4; gate++) {
          weights[gate] = f32(weight[(direction * hidden + k) * 4 * hidden + gate * hidden + unit]);
        }
        gates = fma(weights, vec4f(h[old + k]), gates);
      }
      let cell = lstm_cell(gates, c[unit]);
      h[CAPACITY - old + unit] = cell.x;
      c[unit] = cell.y;
      out[((row * params.time + t) * params.directions + direction) * hidden + unit] = Element(cell.x);
    }
  }

  for (var unit = local; unit < hidden; unit += WORKGROUP) {
    state[pair * hidden + unit] = h[length % 2 * CAPACITY + unit];
    state[states + pair * hidden + unit] = c[unit];
    for (var t = length; t < params.time; t++) {
      out[((row * params.time + t) * params.directions + direction) * hidden + unit] = Element(0);
    }
  }
}
