// The packed layout of multi-scale maps, (R, A): the rows of scale 0, then those of scale 1, and so on.
// Scale k has floor(N / 2^k) rows; its cell (i, j) is the moment that begins at clip 2^k i and lasts
// 2^k (j + 1) clips. src/ops/iou-map/map-layout.ts says the same on the host.

struct MapRow {
  stride: u32,  // 2^k
  start: u32,   // i
}

/// What a packed row (less than R) of maps over `clips` clips holds.
fn map_row(row: u32, clips: u32) -> MapRow {
  var scale = 0u;
  var start = row;
  while (start >= clips >> scale) {
    start -= clips >> scale;
    scale++;
  }
  return MapRow(1u << scale, start);
}

/// Whether the cell (start, column) of the scale of that stride lies within a video of `length` clips. By
/// MS-2D-TAN's rule max(length / stride, 1), every scale of a video that is not empty keeps one valid cell.
fn map_cell_is_valid(stride: u32, start: u32, column: u32, length: u32) -> bool {
  return length > 0u && start + column + 1u <= max(length / stride, 1u);
}
