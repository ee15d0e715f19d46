// Joins what the invocations of a workgroup of (LANES, DEPTH_LANES) summed along their shares of the depth: four
// columns, those of its lane, of each of ROWS rows.

const LANES = 8u;             // invocations along the columns
const DEPTH_LANES = 32u;      // and along the depth
const JOINERS = 4u;           // those of them that add up what the others summed; divides DEPTH_LANES
const ROWS = 1u;

/// [row]
alias Sums = array<vec4f, ROWS>;

var<workgroup> parts: array<array<vec4f, DEPTH_LANES * LANES>, ROWS>;   // [row][invocation]

/// The sums of a lane, to its first invocation along the depth; all of the workgroup must call it.
fn joined(own: Sums, lane: u32, depth_lane: u32) -> Sums {
  var sums = own;
  let local = depth_lane * LANES + lane;
  // In two steps: a barrier costs more than a few additions.
  for (var r = 0u; r < ROWS; r++) { parts[r][local] = sums[r]; }
  workgroupBarrier();
  if (depth_lane < JOINERS) {
    for (var y = JOINERS; y < DEPTH_LANES; y += JOINERS) {
      for (var r = 0u; r < ROWS; r++) { sums[r] += parts[r][y * LANES + local]; }
    }
    for (var r = 0u; r < ROWS; r++) { parts[r][local] = sums[r]; }
  }
  workgroupBarrier();
  if (depth_lane == 0) {
    for (var r = 0u; r < ROWS; r++) {
      for (var y = 1u; y < JOINERS; y++) { sums[r] += parts[r][y * LANES + local]; }
    }
  }
  return sums;
}
