// Average pooling over two axes (one: give the other size, kernel and stride 1):
//   out[p, y, x] = sum of the window of plane p that begins at (y stride - padding, x stride - padding) / count
// The count is that of the window's cells, with COUNT_PADDING those in the padding (zeros) as well.
// One invocation an output.
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
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, out_height, out_width)

@compute @workgroup_size(WORKGROUP)
fn average_pool(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.planes * p.out_height * p.out_width) { return; }
  let window = window_at(
    vec2u(i % p.out_width, i / p.out_width % p.out_height),
    vec2u(p.kernel_width, p.kernel_height),
    vec2u(p.stride_x, p.stride_y),
    vec2u(p.padding_x, p.padding_y),
    vec2u(p.width, p.height),
  );
  let plane = i / (p.out_width * p.out_height) * p.height;

  var sum = LongSum();
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      sum = with_term(sum, f32(x[(plane + row) * p.width + column]));
    }
  }
  let size = window.end - window.begin;
  let inside = size.x * size.y;
  let count = f32(select(inside, p.kernel_width * p.kernel_height, COUNT_PADDING));
  // A device's division need not be exact, but the average of a mask must be 1 where all of it is.
  let all = value_of(sum);
  out[i] = Element(select(all / count, 1.0, all == count));
}
