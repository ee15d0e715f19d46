// Chains entries of equal id (ours): next[k] is the first entry after k with the id of k, and heads[k] is 1 where none
// before k has it. `next` must hold END wherever there is nothing to link.
// One invocation an entry k of a column of ids. It looks back for the entry before it in its chain, and that entry's
// link is written by no other. The cost is at most half the square of the entries; repeated ids make it less.
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params { count: u32, entries: u32, id_inner: u32 }   // id_inner: columns of ids
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> ids: array<u32>;           // (outer or 1, entries, id_inner)
@group(0) @binding(1) var<storage, read_write> next: array<u32>;    // as ids
@group(0) @binding(2) var<storage, read_write> heads: array<u32>;   // as ids

@compute @workgroup_size(WORKGROUP)
fn link_equal_ids(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let entry = i / params.id_inner % params.entries;
  let id = ids[i];
  var head = 1u;
  for (var back = 1u; back <= entry; back++) {
    let other = i - back * params.id_inner;
    if (ids[other] == id) {
      next[other] = entry;
      head = 0u;
      break;
    }
  }
  heads[i] = head;
}
