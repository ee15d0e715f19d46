// Entries of one axis replaced by their ids:   out[o, ids[o, k, i], i] = updates[o, k, i]
// Ids that are not below n are skipped; where two are equal either update may stay. The ids may be the same for all o
// or all i: their stride is 0 there. An invocation takes ITEMS units of the updates a workgroup apart; a unit is an
// element or, where all i share an id, several. The output holds what is not replaced.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const ITEMS = 1u;
alias Unit = u32;

struct Params { count: u32, n: u32, entries: u32, inner: u32, id_outer: u32, id_entry: u32, id_inner: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> updates: array<Unit>;     // (outer, entries, inner), `count` units
@group(0) @binding(1) var<storage, read> ids: array<u32>;          // (outer or 1, entries, inner or 1)
@group(0) @binding(2) var<storage, read_write> out: array<Unit>;   // (outer, n, inner)

@compute @workgroup_size(WORKGROUP)
fn scatter(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linear_workgroup(workgroup, workgroups) * WORKGROUP * ITEMS;
  let end = min(start + WORKGROUP * ITEMS, params.count);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let column = i % params.inner;
    let entry = i / params.inner % params.entries;
    let outer = i / (params.inner * params.entries);
    let id = ids[outer * params.id_outer + entry * params.id_entry + column * params.id_inner];
    if (id < params.n) { out[(outer * params.n + id) * params.inner + column] = updates[i]; }
  }
}
