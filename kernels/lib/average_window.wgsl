// By how many cells average pooling divides a window.
//! import lib/pooling.wgsl

const COUNT_PADDING = true;

fn count_of(window: Window) -> f32 {
  let size = window.end - window.begin;
  return f32(select(size.x * size.y, params.kernel_width * params.kernel_height, COUNT_PADDING));
}
