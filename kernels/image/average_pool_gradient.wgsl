// Gradient of average pooling (average_pool.wgsl) by what was pooled:
//   out[p, cell] = sum over the windows that cover the cell of gradient[p, window] / count(window)
// One invocation a cell.
//! import lib/index.wgsl
//! import lib/long_sum.wgsl
//! import lib/window.wgsl

const WORKGROUP = 64u;
const COUNT_PADDING = true;
alias Element = f32;

struct Params {
  planes: u32, height: u32, width: u32, out_height: u32, out_width: u32,
  kernel_height: u32, kernel_width: u32, stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<Element>;    // (planes, out_height, out_width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, height, width)

@compute @workgroup_size(WORKGROUP)
fn average_pool_gradient(
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
  for (var y = windows.begin.y; y < windows.end.y; y++) {
    for (var x = windows.begin.x; x < windows.end.x; x++) {
      let window = window_at(vec2u(x, y), kernel, stride, padding, size);
      let inside = (window.end - window.begin).x * (window.end - window.begin).y;
      let count = f32(select(inside, p.kernel_width * p.kernel_height, COUNT_PADDING));
      sum = with_term(sum, f32(gradient[(plane * p.out_height + y) * p.out_width + x]) / count);
    }
  }
  out[i] = Element(value_of(sum));
}
