// What the kernels of a step of the gradient of a long short-term memory share. State s is h and c after s steps; its
// gradient comes from step s, which reads it, or is given where no step does. Launches go from state T down to state 0.
//! import lib/activation.wgsl

struct Params {
  batch: u32, time: u32, hidden: u32, directions: u32,
  state: u32,                // steps that came before the state whose gradient this launch goes on from
  has_initial: u32,          // 0: the initial state is zero
  has_lengths: u32,          // 0: every row has all T steps
  has_output_gradient: u32,  // 0: it is zero
  has_state_gradient: u32,   // 0: it is zero
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> weight: array<f32>;            // (D, 4H, H)
@group(0) @binding(1) var<storage, read> cells: array<f32>;             // (D, B, T, H): c after each time's step
@group(0) @binding(2) var<storage, read> initial: array<f32>;           // (2, B, D, H): h and c, with has_initial
@group(0) @binding(3) var<storage, read> lengths: array<u32>;           // (B), with has_lengths
@group(0) @binding(4) var<storage, read> output_gradient: array<f32>;   // (B, T, D, H), with has_output_gradient
@group(0) @binding(5) var<storage, read> state_gradient: array<f32>;    // (2, B, D, H), with has_state_gradient
@group(0) @binding(6) var<storage, read_write> gates: array<f32>;       // (D, B, T, 4H): i, f, g, o become their gradients
@group(0) @binding(7) var<storage, read_write> carry: array<f32>;       // (2, B, D, H): the gradient of c in its second
                                                                        // half; of h and c where state is 0

fn length_of(row: u32) -> u32 {
  if (params.has_lengths == 0) { return params.time; }
  return min(params.time, lengths[row]);
}

/// Where the elements of a row's step are in (D, B, T): direction 1 reads backwards from the last valid time.
fn place_of(row: u32, direction: u32, step: u32, length: u32) -> u32 {
  return (direction * params.batch + row) * params.time + select(step, length - 1 - step, direction == 1);
}

/// Goes back through the step that made the state of a unit.
/// `recurrent` is what the gates' gradients of the step after give to h, where there is one.
fn step_back(row: u32, direction: u32, unit: u32, recurrent: f32) {
  let hidden = params.hidden;
  let length = length_of(row);
  let states = params.batch * params.directions * hidden;
  let own = (row * params.directions + direction) * hidden + unit;
  var h = recurrent;
  var c = 0.0;
  if (params.state < length) {
    c = carry[states + own];
  } else {
    h = 0.0;
    if (params.has_state_gradient != 0) {
      h = state_gradient[own];
      c = state_gradient[states + own];
    }
  }
  if (params.state == 0) {
    carry[own] = h;
    carry[states + own] = c;
    return;
  }
  if (params.state > length) { return; }

  let step = params.state - 1;
  let place = place_of(row, direction, step, length);
  if (params.has_output_gradient != 0) {
    let t = place % params.time;
    h += output_gradient[((row * params.time + t) * params.directions + direction) * hidden + unit];
  }
  var before = 0.0;   // c before the step
  if (step > 0) {
    before = cells[place_of(row, direction, step - 1, length) * hidden + unit];
  } else if (params.has_initial != 0) {
    before = initial[states + own];
  }
  let gate = place * 4 * hidden + unit;
  let i = gates[gate];
  let f = gates[gate + hidden];
  let g = gates[gate + 2 * hidden];
  let o = gates[gate + 3 * hidden];
  let bent = tanh_stable(cells[place * hidden + unit]);
  c += h * o * (1 - bent * bent);
  gates[gate] = c * g * i * (1 - i);
  gates[gate + hidden] = c * before * f * (1 - f);
  gates[gate + 2 * hidden] = c * i * (1 - g * g);
  gates[gate + 3 * hidden] = h * bent * o * (1 - o);
  carry[states + own] = c * f;
}
