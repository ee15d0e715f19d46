// Gradient of average pooling (average_pool.wgsl) by what was pooled (lib/pool_gradient.wgsl): a window's gradient is
// shared out evenly.
//! import lib/average_window.wgsl
//! import lib/pool_gradient.wgsl

@group(0) @binding(0) var<storage, read> gradient: array<Element>;    // (planes, out_height, out_width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, height, width)

fn share_of(window: Window, plane: u32, i: u32, of_window: f32) -> f32 {
  return of_window / count_of(window);
}
