// One time step of a long short-term memory layer, all its directions at once (PyTorch's nn.LSTM):
//   (i, f, g, o) = x[t] + bias + W h,   c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')
// x is the input already projected. At step s direction 0 is at time s; direction 1 reads backwards from the row's last
// valid time. Beyond its length a row keeps its state and has an output of zero.
// One invocation a hidden unit of a batch row and direction.
//! import lib/index.wgsl
//! import lib/lstm_step.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn lstm_step(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let hidden = params.hidden;
  let states = params.batch * params.directions * hidden;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= states) { return; }
  let unit = i % hidden;
  let direction = i / hidden % params.directions;
  let row = i / hidden / params.directions;
  var length = params.time;
  if (params.has_lengths != 0) { length = min(length, lengths[row]); }

  var h = 0.0;
  var c = 0.0;
  if (params.has_previous != 0) {
    h = previous[i];
    c = previous[states + i];
  }
  if (params.step >= length) {
    next[i] = h;
    next[states + i] = c;
    out[((row * params.time + params.step) * params.directions + direction) * hidden + unit] = Element(0);
    return;
  }

  let t = select(params.step, length - 1 - params.step, direction == 1);
  let x_start = (row * params.time + t) * 4 * hidden + unit;
  let gate_start = direction * 4 * hidden + unit;
  var gates: vec4f;
  for (var gate = 0u; gate < 4; gate++) {
    let x_index = x_start + gate * hidden;
    if (direction == 0) { gates[gate] = x[x_index]; } else { gates[gate] = x_reverse[x_index]; }
    gates[gate] += f32(bias[gate_start + gate * hidden]);
  }
  if (params.has_previous != 0) {
    let h_start = i - unit;
    for (var k = 0u; k < hidden; k++) {
      var weights: vec4f;
      for (var gate = 0u; gate < 4; gate++) {
        weights[gate] = f32(weight[(gate_start + gate * hidden) * hidden + k]);
      }
      gates = fma(weights, vec4f(previous[h_start + k]), gates);
    }
  }
  let state = lstm_cell(gates, c);
  next[i] = state.x;
  next[states + i] = state.y;
  out[((row * params.time + t) * params.directions + direction) * hidden + unit] = Element(state.x);
}
