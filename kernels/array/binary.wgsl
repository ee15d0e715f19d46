// An operator on two tensors with NumPy's broadcasting:   out[i] = a[i] op b[i]
// The output is walked over up to six axes, axis 0 innermost; an operand's stride is 0 where it is broadcast.
// An invocation makes ITEMS elements a workgroup apart or, when A, B and Out are vectors, as many groups of four:
// lengths and strides are then in vectors, and an operand that is broadcast along axis 0 stays a scalar.
//! import lib/index.wgsl
//! import lib/binary.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
const AXES = 1u;
const NUMBER = 0u;          // 1: params.number stands for a; 2: for b
alias Element = f32;        // storage type
alias Number = f32;         // type of the arithmetic
alias Wide = Number;
alias A = Element;
alias B = Element;
alias Out = Element;

struct Params {
  count: u32,               // elements (or vectors) of the output
  number: u32,              // bits of a Number
  size0: u32, size1: u32, size2: u32, size3: u32, size4: u32,
  a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a_outer: u32,
  b0: u32, b1: u32, b2: u32, b3: u32, b4: u32, b_outer: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<A>;             // broadcasts to the output
@group(0) @binding(1) var<storage, read> b: array<B>;             // broadcasts to the output
@group(0) @binding(2) var<storage, read_write> out: array<Out>;   // (…), `count` elements

/// Where output element i has its operands.
fn offsets(i: u32) -> vec2u {
  var rest = i;
  var at = vec2u();
  if (AXES > 1u) { at += rest % params.size0 * vec2u(params.a0, params.b0); rest /= params.size0; }
  if (AXES > 2u) { at += rest % params.size1 * vec2u(params.a1, params.b1); rest /= params.size1; }
  if (AXES > 3u) { at += rest % params.size2 * vec2u(params.a2, params.b2); rest /= params.size2; }
  if (AXES > 4u) { at += rest % params.size3 * vec2u(params.a3, params.b3); rest /= params.size3; }
  if (AXES > 5u) { at += rest % params.size4 * vec2u(params.a4, params.b4); rest /= params.size4; }
  return at + rest * vec2u(params.a_outer, params.b_outer);
}

@compute @workgroup_size(WORKGROUP)
fn binary(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let at = offsets(i);
    var x = Wide(bitcast<Number>(params.number));
    var y = x;
    if (NUMBER != 1u) { x = Wide(Out(a[at.x])); }
    if (NUMBER != 2u) { y = Wide(Out(b[at.y])); }
    out[i] = Out(combine(x, y));
  }
}
