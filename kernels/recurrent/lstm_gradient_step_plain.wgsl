// One step back through a long short-term memory layer, all its directions at once. With z the sums that go into the gates
// i, f, g, o, and dh, dc the gradients of the h and c that a step made of the c before it:
//   dh = output_gradient + W^T dz of the step after          dc = dh o (1 - tanh(c)^2) + dc' f' of the step after
//   dz = (dc g i (1 - i), dc c_before f (1 - f), dc i (1 - g^2), dh tanh(c) o (1 - o))
// The last valid step of a row has the gradient of its last state for what comes after.
// One invocation a hidden unit of a batch row and direction.
//! import lib/index.wgsl
//! import lib/lstm_gradient.wgsl

const WORKGROUP = 64u;

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
