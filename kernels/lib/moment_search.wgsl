// The search for the best moments of a map with non-maximum suppression (2D-TAN): count times, the best cell that no
// moment taken before overlaps by more than the threshold. Cells of `lowest` hold no moment.
//   moments[r] = [s unit, (s + l + 1) unit, score]   for cell (s, l), zeros beyond counts
// One workgroup a video. Each invocation looks at a share of the map with the kernel's
//   fn best_of_share(video: u32, taken: u32, local: u32) -> Candidate
//! import lib/index.wgsl
//! import lib/moments.wgsl

const WORKGROUP = 64u;
const MOST = 1024u;
const UNIT_PER_VIDEO = false;
alias Element = f32;

struct Params { batch: u32, clips: u32, count: u32, lowest: f32, threshold: f32, unit: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> scores: array<Element>;      // (B, N, N)
@group(0) @binding(1) var<storage, read> units: array<f32>;           // (B) seconds a clip
@group(0) @binding(2) var<storage, read_write> moments: array<f32>;   // (B, count, 3)
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;    // (B)

var<workgroup> candidates: array<Candidate, WORKGROUP>;
var<workgroup> picks: array<u32, MOST>;

fn is_suppressed(cell: u32, taken: u32) -> bool {
  for (var i = 0u; i < taken; i++) {
    if (suppresses(picks[i], cell, params.clips, params.threshold)) { return true; }
  }
  return false;
}

@compute @workgroup_size(WORKGROUP)
fn decode_moments(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let video = linear_workgroup(workgroup, workgroups);
  if (video >= params.batch) { return; }
  var unit = params.unit;
  if (UNIT_PER_VIDEO) { unit = units[video]; }

  var taken = 0u;
  for (; taken < params.count; taken++) {
    var best = best_of_share(video, taken, local);
    candidates[local] = best;
    workgroupBarrier();
    if (local == 0u) {
      for (var i = 1u; i < WORKGROUP; i++) {
        if (ranks_before(candidates[i], best)) { best = candidates[i]; }
      }
      picks[taken] = best.cell;
      if (best.cell != no_cell) {
        let moment = moment_of(best, params.clips, unit);
        for (var i = 0u; i < 3u; i++) { moments[(video * params.count + taken) * 3u + i] = moment[i]; }
      }
    }
    if (workgroupUniformLoad(&picks[taken]) == no_cell) { break; }
  }

  if (local == 0u) { counts[video] = taken; }
  let end = (video + 1u) * params.count * 3u;
  for (var i = (video * params.count + taken) * 3u + local; i < end; i += WORKGROUP) { moments[i] = 0.0; }
}
