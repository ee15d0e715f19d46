// The best moments of a map (lib/moment_search.wgsl): computes what decode_moments_plain does, but remembers the best cell
// of each column (all moments of one duration) and searches a column again only where the moment just taken suppresses
// that cell. A moment of l clips reaches only columns between threshold l and l / threshold, so that later rounds read a
// small part of the map. An invocation owns every WORKGROUP-th column, neighbours read neighbouring cells.
//! import lib/moment_search.wgsl

const CAPACITY = 64u;

var<workgroup> columns: array<Candidate, CAPACITY>;

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

fn best_of_share(video: u32, taken: u32, local: u32) -> Candidate {
  var best = Candidate(params.lowest, no_cell);
  for (var column = local; column < params.clips; column += WORKGROUP) {
    if (taken == 0u || is_suppressed_by_last(columns[column].cell, taken)) {
      columns[column] = best_of_column(video, column, taken);
    }
    if (ranks_before(columns[column], best)) { best = columns[column]; }
  }
  return best;
}
