// What the pooling kernels share: their sizes, and the windows of a pooling. Vectors are x first, then y.

const WORKGROUP = 64u;
alias Element = f32;

struct Params {
  planes: u32, height: u32, width: u32, out_height: u32, out_width: u32,
  kernel_height: u32, kernel_width: u32, stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

struct Window {
  begin: vec2u,
  end: vec2u,
}

/// The cells of a plane that window `at` covers; at least one where no padding is over half a kernel.
fn window_at(at: vec2u) -> Window {
  let padding = vec2u(params.padding_x, params.padding_y);
  let first = at * vec2u(params.stride_x, params.stride_y);
  let end = first + vec2u(params.kernel_width, params.kernel_height) - padding;
  return Window(max(first, padding) - padding, min(end, vec2u(params.width, params.height)));
}

/// The windows that cover a cell: those from begin to before end along each axis.
fn windows_over(cell: vec2u) -> Window {
  let kernel = vec2u(params.kernel_width, params.kernel_height);
  let stride = vec2u(params.stride_x, params.stride_y);
  let last = cell + vec2u(params.padding_x, params.padding_y);
  let first = (max(last + 1, kernel) - kernel + stride - 1) / stride;
  return Window(first, min(last / stride + 1, vec2u(params.out_width, params.out_height)));
}
