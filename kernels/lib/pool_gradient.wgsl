// Gradient of pooling by what was pooled:
//   out[p, cell] = sum over the windows that cover the cell of share_of(window, plane, i, gradient[p, window])
// with the kernel's `share_of(window: Window, plane: u32, i: u32, gradient: f32) -> f32`, the share of element i of x in
// the gradient of a window. The kernel declares `gradient` and `out`. One invocation a cell.
//! import lib/index.wgsl
//! import lib/long_sum.wgsl
//! import lib/pooling.wgsl

@compute @workgroup_size(WORKGROUP)
fn pool_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.planes * params.height * params.width) { return; }
  let plane = i / (params.width * params.height);
  let windows = windows_over(vec2u(i % params.width, i / params.width % params.height));

  var sum = LongSum();
  for (var y = windows.begin.y; y < windows.end.y; y++) {
    for (var x = windows.begin.x; x < windows.end.x; x++) {
      let of_window = f32(gradient[(plane * params.out_height + y) * params.out_width + x]);
      sum = with_term(sum, share_of(window_at(vec2u(x, y)), plane, i, of_window));
    }
  }
  out[i] = Element(value_of(sum));
}
