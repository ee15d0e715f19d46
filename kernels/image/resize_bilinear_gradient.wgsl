// Gradient of bilinear resizing (resize_bilinear.wgsl) by what was resized:
//   out[p, y, x] = sum over the outputs that look at cell (y, x) of gradient[p, output] times the weight of the cell there
// An output looks at two neighbouring rows and columns, so the outputs that look at a cell are neighbours too.
// One invocation a cell.
//! import lib/index.wgsl
//! import lib/long_sum.wgsl

const WORKGROUP = 64u;
alias Element = f32;

struct Params { planes: u32, height: u32, width: u32, out_height: u32, out_width: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<Element>;    // (planes, out_height, out_width)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (planes, height, width)

/// The weight that a cell has for output `at` along an axis of `size` cells and `to` outputs.
fn weight_of(cell: u32, at: u32, size: u32, to: u32) -> f32 {
  let place = max((2 * at + 1) * size, to) - to;
  let first = place / (2 * to);
  let second = f32(place % (2 * to)) / f32(2 * to);
  return select(0.0, 1.0 - second, cell == first) + select(0.0, second, cell == min(first + 1, size - 1));
}

/// The outputs from .x to before .y; all that look at the cell are among them, their place is in [cell - 1, cell + 1).
fn outputs_near(cell: u32, size: u32, to: u32) -> vec2u {
  let begin = to * (max(2 * cell, 1) - 1) / (2 * size);
  return vec2u(begin, min(to * (2 * cell + 3) / (2 * size) + 1, to));
}

@compute @workgroup_size(WORKGROUP)
fn resize_bilinear_gradient(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let p = params;
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= p.planes * p.height * p.width) { return; }
  let x = i % p.width;
  let y = i / p.width % p.height;
  let plane = i / (p.width * p.height) * p.out_height;

  let rows = outputs_near(y, p.height, p.out_height);
  let columns = outputs_near(x, p.width, p.out_width);

  var sum = LongSum();
  for (var row = rows.x; row < rows.y; row++) {
    let height = weight_of(y, row, p.height, p.out_height);
    for (var column = columns.x; column < columns.y; column++) {
      let weight = height * weight_of(x, column, p.width, p.out_width);
      sum = with_product(sum, weight, f32(gradient[(plane + row) * p.out_width + column]));
    }
  }
  out[i] = Element(value_of(sum));
}
