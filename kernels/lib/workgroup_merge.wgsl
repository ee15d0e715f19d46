// Merges a pair of each invocation of a workgroup. The kernel declares WORKGROUP, a multiple of PARTS, and
// `merge(a: vec2f, b: vec2f) -> vec2f`, associative and commutative.

const PARTS = 16u;
var<workgroup> lane_pairs: array<vec2f, WORKGROUP>;
var<workgroup> part_pairs: array<vec2f, PARTS>;

/// The merger of the pairs of the first `count` invocations (all, where count is larger), the same for every
/// invocation; to be called by all. In two steps, because a barrier costs more than a few mergers.
fn workgroup_merge(own: vec2f, local: u32, count: u32) -> vec2f {
  lane_pairs[local] = own;
  workgroupBarrier();
  if (local < PARTS) {
    var part = own;
    for (var i = local + PARTS; i < min(WORKGROUP, count); i += PARTS) { part = merge(part, lane_pairs[i]); }
    part_pairs[local] = part;
  }
  workgroupBarrier();
  var all = part_pairs[0];
  for (var i = 1u; i < min(PARTS, count); i++) { all = merge(all, part_pairs[i]); }
  return all;
}
