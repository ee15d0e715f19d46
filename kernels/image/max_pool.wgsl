// Maximum pooling (lib/pool.wgsl):
//   pooled(window) = max of the window
// over its cells inside the plane; a padding of at most half a kernel leaves each window one.
//! import lib/pool.wgsl

fn pooled(window: Window, first_row: u32) -> Element {
  var best = x[(first_row + window.begin.y) * params.width + window.begin.x];
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      best = max(best, x[(first_row + row) * params.width + column]);
    }
  }
  return best;
}
