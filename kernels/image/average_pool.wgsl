// Average pooling (lib/pool.wgsl):
//   pooled(window) = sum of the window / count
// The count is that of the window's cells, with COUNT_PADDING those in the padding (zeros) as well.
//! import lib/average_window.wgsl
//! import lib/long_sum.wgsl
//! import lib/pool.wgsl

fn pooled(window: Window, first_row: u32) -> Element {
  var sum = LongSum();
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      sum = with_term(sum, f32(x[(first_row + row) * params.width + column]));
    }
  }
  let count = count_of(window);
  // A device's division need not be exact, but the average of a mask must be 1 where all of it is.
  let all = value_of(sum);
  return Element(select(all / count, 1.0, all == count));
}
