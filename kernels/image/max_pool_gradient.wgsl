// Gradient of maximum pooling (max_pool.wgsl) by what was pooled (lib/pool_gradient.wgsl): the largest element has all of
// a window's. Of equal largest elements the first counts, row by row. A cell looks through each window that covers it, up
// to where another element wins.
//! import lib/pool_gradient.wgsl

@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (planes, out_height, out_width)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (planes, height, width)

fn share_of(window: Window, plane: u32, i: u32, of_window: f32) -> f32 {
  let value = x[i];
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      let at = (plane * params.height + row) * params.width + column;
      if (x[at] > value || (at < i && x[at] == value)) { return 0.0; }
    }
  }
  return of_window;
}
