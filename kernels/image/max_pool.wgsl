// Maximum pooling over two axes (one: give the other size, kernel and stride 1):
//   out[p, y, x] = max of the window of plane p that begins at (y stride - padding, x stride - padding)
// over its cells inside the plane; a padding of at most half a kernel leaves each window one.
// One invocation an output.
//! import lib/index.wgsl
//! import lib/window.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params {
  planes: u32, height: u32, width: u32, out_height: u32, out_width: u32,
  kernel_height: u32, kernel_width: u32, stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, out_height, out_width)

@compute @workgroup_size(WORKGROUP)
fn max_pool(
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

  var best = x[(plane + window.begin.y) * p.width + window.begin.x];
  for (var row = window.begin.y; row < window.end.y; row++) {
    for (var column = window.begin.x; column < window.end.x; column++) {
      best = max(best, x[(plane + row) * p.width + column]);
    }
  }
  out[i] = best;
}
