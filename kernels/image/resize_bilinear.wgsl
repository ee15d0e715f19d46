// Bilinear resize without antialiasing, pixels as areas (PyTorch's `interpolate`, align_corners=False):
//   out[p, y, x] = plane p at (y', x'),  y' = max(0, (y + 1/2) height / out_height - 1/2), x' likewise,
// linear between the four cells around, edge cells repeated. One invocation an output.
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { planes: u32, height: u32, width: u32, out_height: u32, out_width: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, out_height, out_width)

@compute @workgroup_size(WORKGROUP)
fn resize_bilinear(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.planes * p.out_height * p.out_width) { return; }
  let plane = i / (p.out_width * p.out_height) * p.height;

  // In whole numbers the place is exact: ((2 y + 1) height - out_height) / (2 out_height).
  let to = vec2u(p.out_width, p.out_height);
  let size = vec2u(p.width, p.height);
  let at = vec2u(i % to.x, i / to.x % to.y);
  let place = max((2u * at + 1u) * size, to) - to;
  let first = place / (2u * to);
  let second = min(first + 1u, size - 1u);
  let weight = vec2f(place % (2u * to)) / vec2f(2u * to);

  let above = (plane + first.y) * p.width;
  let below = (plane + second.y) * p.width;
  let top = mix(f32(x[above + first.x]), f32(x[above + second.x]), weight.x);
  let bottom = mix(f32(x[below + first.x]), f32(x[below + second.x]), weight.x);
  out[i] = Element(mix(top, bottom, weight.y));
}
