// The best moments of a map (lib/moment_search.wgsl). Each round reads the whole map; a cell is held against the moments
// taken so far only where it beats the best that its invocation has seen.
//! import lib/moment_search.wgsl

fn best_of_share(video: u32, taken: u32, local: u32) -> Candidate {
  let cells = params.clips * params.clips;
  var best = Candidate(params.lowest, no_cell);
  for (var cell = local; cell < cells; cell += WORKGROUP) {
    let score = f32(scores[video * cells + cell]);
    if (score > best.score && !is_suppressed(cell, taken)) { best = Candidate(score, cell); }
  }
  return best;
}
