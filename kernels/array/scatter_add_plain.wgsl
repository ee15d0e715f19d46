// Updates added to the entries of one axis by their ids, in the order of k:
//   out[o, v, i] = x[o, v, i] + sum over k with ids[o, k, i] = v of updates[o, k, i]
// The ids may be the same for all o or all i: their stride is 0 there. One invocation an element of the output; it
// reads all ids of its column, so the cost is that of n times the updates.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;   // updates that are added up by themselves
const HAS_X = true;    // otherwise x is zero
alias Element = f32;
alias Number = f32;    // type of the sum

struct Params { count: u32, n: u32, entries: u32, inner: u32, id_outer: u32, id_entry: u32, id_inner: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (outer, n, inner)
@group(0) @binding(1) var<storage, read> ids: array<u32>;             // (outer or 1, entries, inner or 1)
@group(0) @binding(2) var<storage, read> updates: array<Element>;     // (outer, entries, inner)
@group(0) @binding(3) var<storage, read_write> out: array<Element>;   // (outer, n, inner), `count` elements

@compute @workgroup_size(WORKGROUP)
fn scatter_add(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let column = i % params.inner;
  let v = i / params.inner % params.n;
  let outer = i / (params.inner * params.n);
  let first_id = outer * params.id_outer + column * params.id_inner;
  let first_update = outer * params.entries * params.inner + column;
  var sum = Number();
  for (var first = 0u; first < params.entries; first += BLOCK) {
    var block = Number();
    for (var k = first; k < min(first + BLOCK, params.entries); k++) {
      if (ids[first_id + k * params.id_entry] == v) { block += Number(updates[first_update + k * params.inner]); }
    }
    sum += block;
  }
  if (HAS_X) { sum += Number(x[i]); }
  out[i] = Element(sum);
}
