// Sums over a workgroup. The kernel declares WORKGROUP, a multiple of PARTS.

const PARTS = 16u;
var<workgroup> lane_sums: array<vec2f, WORKGROUP>;
var<workgroup> part_sums: array<vec2f, PARTS>;

/// The sum over all invocations, the same for each of them; to be called by all. In two steps, because a barrier costs
/// more than a few additions.
fn total(sums: vec2f, lane: u32) -> vec2f {
  lane_sums[lane] = sums;
  workgroupBarrier();
  if (lane < PARTS) {
    var part = lane_sums[lane];
    for (var i = lane + PARTS; i < WORKGROUP; i += PARTS) { part += lane_sums[i]; }
    part_sums[lane] = part;
  }
  workgroupBarrier();
  var all = part_sums[0];
  for (var i = 1u; i < PARTS; i++) { all += part_sums[i]; }
  return all;
}
