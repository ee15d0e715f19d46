// Pooling windows: x first, then y.

struct Window {
  begin: vec2u,
  end: vec2u,
}

/// The cells of a plane that window `at` covers; at least one where no padding is over half a kernel.
fn window_at(at: vec2u, kernel: vec2u, stride: vec2u, padding: vec2u, plane: vec2u) -> Window {
  let first = at * stride;
  return Window(max(first, padding) - padding, min(first + kernel - padding, plane));
}

/// The windows that cover a cell: those from begin to before end, of `windows` along each axis.
fn windows_over(cell: vec2u, kernel: vec2u, stride: vec2u, padding: vec2u, windows: vec2u) -> Window {
  let last = cell + padding;
  let first = (max(last + 1, kernel) - kernel + stride - 1) / stride;
  return Window(first, min(last / stride + 1, windows));
}
