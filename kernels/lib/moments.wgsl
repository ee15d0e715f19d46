// Moments as cells of the map (N, N) of all moments: cell s N + l begins at clip s and lasts l + 1 clips.

/// A moment with its score, or none (`no_cell`).
struct Candidate {
  score: f32,
  cell: u32,
}

const no_cell = 0xffffffffu;

/// Whether a ranks before b: by score, then by the lower index.
fn ranks_before(a: Candidate, b: Candidate) -> bool {
  return a.score > b.score || (a.score == b.score && a.cell < b.cell);
}

/// Whether a taken moment suppresses a cell: the same moment or one of IoU above the threshold.
/// In clips all lengths are whole numbers, so that the one rounding is that of the threshold's product.
fn suppresses(taken: u32, cell: u32, clips: u32, threshold: f32) -> bool {
  let start = vec2u(taken, cell) / clips;
  let duration = vec2u(taken, cell) % clips + 1u;
  let end = start + duration;
  let first_end = min(end.x, end.y);
  let last_start = max(start.x, start.y);
  let intersection = select(0u, first_end - last_start, first_end > last_start);
  let together = duration.x + duration.y - intersection;
  return taken == cell || f32(intersection) > threshold * f32(together);
}

/// Start and end in seconds and score.
fn moment_of(candidate: Candidate, clips: u32, unit: f32) -> vec3f {
  let start = candidate.cell / clips;
  let end = start + candidate.cell % clips + 1u;
  return vec3f(f32(start) * unit, f32(end) * unit, candidate.score);
}
