// Pooling over two axes (one: give the other size, kernel and stride 1): out[p, y, x] is what the kernel's
//   fn pooled(window: Window, first_row: u32) -> Element
// makes of the window of plane p that begins at (y stride - padding, x stride - padding). The rows of plane p in x begin
// at first_row. One invocation an output.
//! import lib/index.wgsl
//! import lib/pooling.wgsl

@group(0) @binding(0) var<storage, read> x: array<Element>;           // (planes, height, width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, out_height, out_width)

@compute @workgroup_size(WORKGROUP)
fn pool(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.planes * params.out_height * params.out_width) { return; }
  let window = window_at(vec2u(i % params.out_width, i / params.out_width % params.out_height));
  out[i] = pooled(window, i / (params.out_width * params.out_height) * params.height);
}
