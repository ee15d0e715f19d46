// Gradient of a two-dimensional convolution by its weights as an implicit matrix product, for GPUs:
//   out[o, c, i, j] = sum_{b, y, x} gradient[b, o, y, x] image[b, c, y S - P + i D, x S - P + j D]
// as conv2d_weight_gradient_plain.wgsl has it. Rows are output channels, columns are the C KH KW weights of one, and
// the depth runs over the output pixels of all batches. A workgroup computes a tile as lib/tile_product.wgsl has it;
// both operands arrive in blocks of four rows or columns by four pixels, neighbours holding neighbouring pixels.
// An invocation loads a slice before it multiplies the one before it, so that memory and arithmetic overlap.
// The depth is far longer than the sides, so workgroups share it out: each computes part of the sums, part_depth deep,
// which matmul/sum_parts.wgsl joins.
//! import lib/conv_window.wgsl
//! import lib/index.wgsl
//! import lib/tile_product.wgsl

const BLOCK_STEPS = DEPTH / 4;                                        // blocks along the depth of a slice
const LEFT_BLOCKS = (LEFT_QUADS * BLOCK_STEPS + THREADS - 1) / THREADS;     // blocks of an invocation
const RIGHT_BLOCKS = (RIGHT_QUADS * BLOCK_STEPS + THREADS - 1) / THREADS;
alias Element = f32;
alias Result = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  part_depth: u32,                                     // a multiple of DEPTH
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (B, O, OH, OW)
@group(0) @binding(2) var<storage, read_write> out: array<Result>;    // (parts, O, C, KH, KW)

/// The gradient of an output channel at four pixels, 0 beyond the last one.
fn gradient_quad(row: u32, pixel: vec4u, plane: u32) -> vec4f {
  let inside = (pixel < vec4u(params.pixels)) & vec4(row < params.out_channels);
  let at = select(vec4u(), (pixel / plane * params.out_channels + row) * plane + pixel % plane, inside);
  let values = vec4f(f32(gradient[at.x]), f32(gradient[at.y]), f32(gradient[at.z]), f32(gradient[at.w]));
  return select(vec4f(), values, inside);
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn conv2d_weight_gradient_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let depth = params.channels * params.kernel_height * params.kernel_width;
  let column_tiles = (depth + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let row_tiles = (params.out_channels + TILE_ROWS - 1) / TILE_ROWS;
  let index = linear_workgroup(workgroup, workgroups);
  let first_column = index % column_tiles * TILE_COLUMNS;
  let first_row = index / column_tiles % row_tiles * TILE_ROWS;
  let part = index / (column_tiles * row_tiles);
  let begin = part * params.part_depth;
  if (begin >= params.pixels) { return; }
  let end = min(begin + params.part_depth, params.pixels);

  let plane = params.out_height * params.out_width;
  let stride = vec2u(params.stride_x, params.stride_y);
  let padding = vec2u(params.padding_x, params.padding_y);
  let dilation = vec2u(params.dilation_x, params.dilation_y);
  // Its blocks lie one below the other: an invocation has the same pixels of a slice in all of them.
  let block_k = 4 * (local % BLOCK_STEPS);
  let first_quad = local / BLOCK_STEPS;
  const QUADS_APART = THREADS / BLOCK_STEPS;

  var sums: Sums;
  for (var k = begin; k < end + DEPTH; k += DEPTH) {
    // Beyond the last pixel the gradient is 0; the image repeats the last one.
    let pixel = k + block_k + vec4u(0, 1, 2, 3);
    var left = array<mat4x4f, LEFT_BLOCKS>();
    var right = array<mat4x4f, RIGHT_BLOCKS>();
    if (k < end) {
      let windows = windows_at(min(pixel, vec4u(params.pixels - 1)), stride, padding);
      for (var b = 0u; b < LEFT_BLOCKS; b++) {
        let row = first_row + 4 * (first_quad + b * QUADS_APART);
        left[b] = transpose(mat4x4f(
          gradient_quad(row, pixel, plane), gradient_quad(row + 1, pixel, plane),
          gradient_quad(row + 2, pixel, plane), gradient_quad(row + 3, pixel, plane),
        ));
      }
      for (var b = 0u; b < RIGHT_BLOCKS; b++) {
        // Columns beyond the last repeat it; they are not stored.
        var columns = mat4x4f();
        for (var c = 0u; c < 4; c++) {
          let tap = tap_at(min(first_column + 4 * (first_quad + b * QUADS_APART) + c, depth - 1));
          let place = tap.place * dilation;
          columns[c] = load_image(windows, place, image_offset(tap.channel, place));
        }
        right[b] = transpose(columns);
      }
    }
    // The slice before this one; at first there is none.
    multiply_slice(&sums, id.x, id.y, min(k - begin, DEPTH));
    workgroupBarrier();
    for (var b = 0u; b < LEFT_BLOCKS; b++) {
      let quad = first_quad + b * QUADS_APART;
      if (quad < LEFT_QUADS) { store_left(block_k, quad, left[b]); }
    }
    for (var b = 0u; b < RIGHT_BLOCKS; b++) {
      let quad = first_quad + b * QUADS_APART;
      if (quad < RIGHT_QUADS) { store_right(block_k, quad, right[b]); }
    }
    workgroupBarrier();
  }

  for (var r = 0u; r < 4 * ROW_QUADS; r++) {
    let row = first_row + tile_row(id.y, r);
    for (var c = 0u; c < 4 * COLUMN_QUADS; c++) {
      let column = first_column + 4 * (c / 4 * COLUMN_THREADS + id.x) + c % 4;
      if (row < params.out_channels && column < depth) {
        out[(part * params.out_channels + row) * depth + column] = Result(sums[r][c / 4][c % 4]);
      }
    }
  }
}
