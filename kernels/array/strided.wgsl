// A view of x made dense (permuted, sliced, reversed, broadcast axes):   out[i] = x[offset + sum_k index_k(i) stride_k]
// The output is walked over up to six axes, axis 0 innermost. Strides are two's complement: those of reversed axes
// are negative. An invocation copies ITEMS units a workgroup apart; a unit is an element or, where runs of the
// innermost axis allow, a word or a vector of several. Lengths and strides are in units.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
const AXES = 1u;
alias Unit = u32;

struct Params {
  count: u32,
  offset: u32,
  size0: u32, size1: u32, size2: u32, size3: u32, size4: u32,
  x0: u32, x1: u32, x2: u32, x3: u32, x4: u32, x_outer: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Unit>;           // any shape
@group(0) @binding(1) var<storage, read_write> out: array<Unit>;   // (…), `count` units

/// Where output unit i comes from.
fn source(i: u32) -> u32 {
  var rest = i;
  var at = params.offset;
  if (AXES > 1u) { at += rest % params.size0 * params.x0; rest /= params.size0; }
  if (AXES > 2u) { at += rest % params.size1 * params.x1; rest /= params.size1; }
  if (AXES > 3u) { at += rest % params.size2 * params.x2; rest /= params.size2; }
  if (AXES > 4u) { at += rest % params.size3 * params.x3; rest /= params.size3; }
  if (AXES > 5u) { at += rest % params.size4 * params.x4; rest /= params.size4; }
  return at + rest * params.x_outer;
}

@compute @workgroup_size(WORKGROUP)
fn copy_strided(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    out[i] = x[source(i)];
  }
}
