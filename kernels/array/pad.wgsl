// x in the midst of a constant:   out[index] = x[index - before] where that is inside x, else the constant
// Up to six axes, axis 0 innermost. An invocation makes ITEMS units a workgroup apart; a unit is an element or
// several. Lengths are in units.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
const AXES = 1u;
alias Unit = u32;
alias Number = u32;   // what `value` holds the bits of: f32 where Unit is f16

struct Params {
  count: u32,
  value: u32,
  size0: u32, size1: u32, size2: u32, size3: u32, size4: u32,       // of out
  before0: u32, before1: u32, before2: u32, before3: u32, before4: u32, before5: u32,
  x0: u32, x1: u32, x2: u32, x3: u32, x4: u32, x5: u32,             // sizes of x
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Unit>;           // (x5, …, x0)
@group(0) @binding(1) var<storage, read_write> out: array<Unit>;   // (…, size1, size0), `count` units

const OUTSIDE = 0xffffffffu;

/// Where output unit i comes from, or OUTSIDE.
fn source(i: u32) -> u32 {
  var rest = i;
  var at = 0u;
  var stride = 1u;
  var inside = true;
  // Unsigned: an index before x is a very large one.
  if (AXES > 1u) {
    let k = rest % params.size0 - params.before0;
    inside &= k < params.x0; at += k * stride; stride *= params.x0; rest /= params.size0;
  }
  if (AXES > 2u) {
    let k = rest % params.size1 - params.before1;
    inside &= k < params.x1; at += k * stride; stride *= params.x1; rest /= params.size1;
  }
  if (AXES > 3u) {
    let k = rest % params.size2 - params.before2;
    inside &= k < params.x2; at += k * stride; stride *= params.x2; rest /= params.size2;
  }
  if (AXES > 4u) {
    let k = rest % params.size3 - params.before3;
    inside &= k < params.x3; at += k * stride; stride *= params.x3; rest /= params.size3;
  }
  if (AXES > 5u) {
    let k = rest % params.size4 - params.before4;
    inside &= k < params.x4; at += k * stride; stride *= params.x4; rest /= params.size4;
  }
  let k = rest - params.before5;
  inside &= k < params.x5;
  return select(OUTSIDE, at + k * stride, inside);
}

@compute @workgroup_size(WORKGROUP)
fn pad(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let at = source(i);
    var unit = Unit(bitcast<Number>(params.value));
    if (at != OUTSIDE) { unit = x[at]; }
    out[i] = unit;
  }
}
