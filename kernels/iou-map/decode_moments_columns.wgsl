// The best moments of a map with non-maximum suppression: computes what decode_moments_plain does, but
// remembers the best cell of each column (all moments of one duration) and searches a column again only
// where the moment just taken suppresses that cell. A moment of l clips reaches only columns between
// threshold l and l / threshold, so that later rounds read a small part of the map.
// One workgroup a video; an invocation owns every WORKGROUP-th column, neighbours read neighbouring cells.
//! import lib/index.wgsl
//! import lib/moments.wgsl

const WORKGROUP = 64u;
const MOST = 1024u;
const CAPACITY = 64u;
const UNIT_PER_VIDEO = false;
alias Element = f32;

struct Params { batch: u32, clips: u32, count: u32, lowest: f32, threshold: f32, unit: f32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> scores: array<Element>;      // (B, N, N)
@group(0) @binding(1) var<storage, read> units: array<f32>;           // (B) seconds a clip
@group(0) @binding(2) var<storage, read_write> moments: array<f32>;   // (B, count, 3)
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;    // (B)

var<workgroup> columns: array<Candidate, CAPACITY>;
var<workgroup> candidates: array<Candidate, WORKGROUP>;
var<workgroup> picks: array<u32, MOST>;

fn is_suppressed(cell: u32, taken: u32) -> bool {
  for (var i = 0u; i < taken; i++) {
    if (suppresses(picks[i], cell, params.clips, params.threshold)) { return true; }
  }
  return false;
}

/// Whether the moment taken last suppresses a column's best cell; earlier ones do not, or it were not the best.
fn is_suppressed_by_last(cell: u32, taken: u32) -> bool {
  return cell != no_cell && suppresses(picks[taken - 1u], cell, params.clips, params.threshold);
}

/// The best cell of a column that none of the moments taken suppresses.
fn best_of_column(video: u32, column: u32, taken: u32) -> Candidate {
  var best = Candidate(params.lowest, no_cell);
  for (var cell = column; cell < params.clips * params.clips; cell += params.clips) {
    let score = f32(scores[video * params.clips * params.clips + cell]);
    if (score > best.score && !is_suppressed(cell, taken)) { best = Candidate(score, cell); }
  }
  return best;
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
    var best = Candidate(params.lowest, no_cell);
    for (var column = local; column < params.clips; column += WORKGROUP) {
      if (taken == 0u || is_suppressed_by_last(columns[column].cell, taken)) {
        columns[column] = best_of_column(video, column, taken);
      }
      if (ranks_before(columns[column], best)) { best = columns[column]; }
    }
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
