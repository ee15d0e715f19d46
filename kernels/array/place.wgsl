// The adjoint of a slice: the elements of x at their places in an output that was cleared before.
//   out[offset + sum_axis i_axis out_axis] = x[i]
// x is walked over up to six axes, axis 0 innermost, one invocation an element. Strides are two's complement: those
// of reversed axes are negative.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const AXES = 1u;
alias Unit = u32;

struct Params {
  count: u32, offset: u32,
  size0: u32, size1: u32, size2: u32, size3: u32, size4: u32,
  out0: u32, out1: u32, out2: u32, out3: u32, out4: u32, out_outer: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Unit>;          // (count)
@group(0) @binding(1) var<storage, read_write> out: array<Unit>;  // any, larger

@compute @workgroup_size(WORKGROUP)
fn place(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  var rest = i;
  var at = params.offset;
  if (AXES > 1u) { at += rest % params.size0 * params.out0; rest /= params.size0; }
  if (AXES > 2u) { at += rest % params.size1 * params.out1; rest /= params.size1; }
  if (AXES > 3u) { at += rest % params.size2 * params.out2; rest /= params.size2; }
  if (AXES > 4u) { at += rest % params.size3 * params.out3; rest /= params.size3; }
  if (AXES > 5u) { at += rest % params.size4 * params.out4; rest /= params.size4; }
  out[at + rest * params.out_outer] = x[i];
}
