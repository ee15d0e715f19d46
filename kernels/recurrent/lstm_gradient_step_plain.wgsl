// One step back through a long short-term memory layer, all its directions at once. With z the sums that go into the gates
// i, f, g, o, and dh, dc the gradients of the h and c that a step made of the c before it:
//   dh = output_gradient + W^T dz of the step after          dc = dh o (1 - tanh(c)^2) + dc' f' of the step after
//   dz = (dc g i (1 - i), dc c_before f (1 - f), dc i (1 - g^2), dh tanh(c) o (1 - o))
// The last valid step of a row has the gradient of its last state for what comes after.
// One invocation a hidden unit of a batch row and direction.
//! import lib/index.wgsl
//! import lib/lstm_gradient.wgsl

const WORKGROUP = 64u;

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

@compute @workgroup_size(WORKGROUP)
fn lstm_gradient_step(
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
  let length = length_of(row);
  var sum = 0.0;
  if (params.state < length) {
    let after = place_of(row, direction, params.state, length) * 4 * hidden;
    for (var k = 0u; k < 4 * hidden; k++) {
      sum = fma(gates[after + k], weight[(direction * 4 * hidden + k) * hidden + unit], sum);
    }
  }
  step_back(row, direction, unit, sum);
}
