// Gradient of maximum pooling (max_pool.wgsl) by what was pooled:
//   out[p, cell] = sum over the windows whose largest element is in the cell of gradient[p, window]
// Of equal largest elements the first counts, row by row. One invocation a cell; it looks through each window that
// covers the cell, up to where another element wins.
//! import lib/index.wgsl
//! import lib/long_sum.wgsl
//! import lib/window.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params {
  planes: u32, height: u32, width: u32, out_height: u32, out_width: u32,
  kernel_height: u32, kernel_width: u32, stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (planes, out_height, out_width)
@group(0) @binding(2) var<storage, read_write> out: array<Element>;   // (planes, height, width)

/// Whether no element of the window is larger than that of the cell at `own`, and none before it as large.
fn wins(window: Window, plane: u32, own: u32) -> bool {
  let value = x[own];
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      let at = (plane * params.height + row) * params.width + column;
      if (x[at] > value || (at < own && x[at] == value)) { return false; }
    }
  }
  return true;
}

@compute @workgroup_size(WORKGROUP)
fn max_pool_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.planes * p.height * p.width) { return; }
  let kernel = vec2u(p.kernel_width, p.kernel_height);
  let stride = vec2u(p.stride_x, p.stride_y);
  let padding = vec2u(p.padding_x, p.padding_y);
  let size = vec2u(p.width, p.height);
  let cell = vec2u(i % p.width, i / p.width % p.height);
  let plane = i / (p.width * p.height);
  let windows = windows_over(cell, kernel, stride, padding, vec2u(p.out_width, p.out_height));

  var sum = LongSum();
  for (var row = windows.begin.y; row < windows.end.y; row++) {
    for (var column = windows.begin.x; column < windows.end.x; column++) {
      let window = window_at(vec2u(column, row), kernel, stride, padding, size);
      if (wins(window, plane, i)) {
        sum = with_term(sum, f32(gradient[(plane * p.out_height + row) * p.out_width + column]));
      }
    }
  }
  out[i] = Element(value_of(sum));
}
