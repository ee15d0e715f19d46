// Updates added to the entries of one axis by their ids, along the chains of scatter_links.wgsl:
//   out[o, v, i] += sum over k with ids[o, k, i] = v of updates[o, k, i]
// One invocation an element of the updates. That of the head of a chain adds up the chain, in the order of k, and is
// alone in writing to its element of the output. Ids that are not below n are skipped.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;   // updates that are added up by themselves
const END = 0xffffffffu;
alias Element = f32;
alias Number = f32;    // type of the sum

struct Params { count: u32, n: u32, entries: u32, inner: u32, id_outer: u32, id_entry: u32, id_inner: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> ids: array<u32>;             // (outer or 1, entries, inner or 1)
@group(0) @binding(1) var<storage, read> next: array<u32>;            // as ids
@group(0) @binding(2) var<storage, read> heads: array<u32>;           // as ids
@group(0) @binding(3) var<storage, read> updates: array<Element>;     // (outer, entries, inner), `count` elements
@group(0) @binding(4) var<storage, read_write> out: array<Element>;   // (outer, n, inner)

@compute @workgroup_size(WORKGROUP)
fn scatter_add(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let column = i % params.inner;
  let head = i / params.inner % params.entries;
  let outer = i / (params.inner * params.entries);
  let first_id = outer * params.id_outer + column * params.id_inner;
  let v = ids[first_id + head * params.id_entry];
  if (heads[first_id + head * params.id_entry] == 0u || v >= params.n) { return; }

  let first_update = outer * params.entries * params.inner + column;
  var sum = Number();
  var block = Number();   // of some updates, so that the rounding error does not grow with their number
  var updates_left = BLOCK;
  for (var k = head; k != END; k = next[first_id + k * params.id_entry]) {
    block += Number(updates[first_update + k * params.inner]);
    updates_left--;
    if (updates_left == 0u) {
      sum += block;
      block = Number();
      updates_left = BLOCK;
    }
  }
  let target_ = (outer * params.n + v) * params.inner + column;
  out[target_] = Element(Number(out[target_]) + sum + block);
}
