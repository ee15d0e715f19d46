// Two-dimensional convolution as an implicit matrix product, for GPUs:
//   out[b, o, y, x] = activate(bias[o] + sum_{c, i, j} weight[o, c, i, j] image[b, c, y S - P + i D, x S - P + j D])
// as conv2d_plain.wgsl has it. Rows are output channels, columns are the output pixels of all batches, and the depth
// runs over the C KH KW weights of a row. A workgroup computes a tile as lib/tile_product.wgsl has it; there the four
// pixels of a quad lie RIGHT_QUADS apart, so that neighbouring invocations load neighbouring pixels. An invocation loads
// the same pixels of every slice, and its taps follow each other at equal steps: no index is divided on the way. It
// loads a slice before it multiplies the one before it, so that memory and arithmetic overlap.
// Where there are few tiles the depth is shared out too: workgroups then compute parts of the sums, part_depth deep,
// which matmul/sum_parts.wgsl joins.
//! import lib/activation.wgsl
//! import lib/conv_window.wgsl
//! import lib/index.wgsl
//! import lib/tile_product.wgsl

const LEFT_BLOCKS = LEFT_QUADS * DEPTH / 4;        // blocks of weights of a slice, at most THREADS
const STEP = THREADS / RIGHT_QUADS;                // from one tap of an invocation to its next
const STEPS = DEPTH / STEP;                        // taps of an invocation in a slice
const HAS_BIAS = false;
const WIDTH = 1u;                                  // elements in a Packed: 1, or 4 where rows of weights are made of fours
alias Element = f32;
alias Packed = Element;                            // Element or vec4<Element>
alias Result = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  weight_channels: u32, first_channel: u32,            // WC and where image begins among them
  all_out_channels: u32, first_out_channel: u32,       // AO and where out begins among them
  part_depth: u32,                                     // a multiple of DEPTH
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Packed>;       // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (parts, B, AO, OH, OW)

fn load_weight(i: u32) -> vec4f {
  return vec4f(vec4<Element>(weight[i]));
}

/// Weights of an output channel from step k of the depth on, 0 beyond it.
fn weight_quad(row: u32, k: u32) -> vec4f {
  let taps = params.kernel_height * params.kernel_width;
  let steps = k + vec4u(0, 1, 2, 3);
  let inside = (steps < vec4u(params.channels * taps)) & vec4(row < params.out_channels);
  let start = (row * params.weight_channels + params.first_channel) * taps;
  let at = select(vec4u(), start + steps, inside) / WIDTH;
  if (WIDTH == 4) { return select(vec4f(), load_weight(at.x), inside); }
  let values = vec4f(load_weight(at.x).x, load_weight(at.y).x, load_weight(at.z).x, load_weight(at.w).x);
  return select(vec4f(), values, inside);
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn conv2d_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let pixel_tiles = (params.pixels + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let row_tiles = (params.out_channels + TILE_ROWS - 1) / TILE_ROWS;
  let index = linear_workgroup(workgroup, workgroups);
  let first_pixel = index % pixel_tiles * TILE_COLUMNS;
  let first_row = index / pixel_tiles % row_tiles * TILE_ROWS;
  let part = index / (pixel_tiles * row_tiles);
  let depth = params.channels * params.kernel_height * params.kernel_width;
  let begin = part * params.part_depth;
  if (begin >= depth) { return; }
  let end = min(begin + params.part_depth, depth);

  // A block of weights: four rows by four steps of the depth.
  let block_row = first_row + 4 * (local / (DEPTH / 4));
  let block_k = 4 * (local % (DEPTH / 4));
  // Pixels beyond the last repeat it; they are not stored.
  let quad = local % RIGHT_QUADS;
  let pixels = first_pixel + quad + RIGHT_QUADS * vec4u(0, 1, 2, 3);
  let stride = vec2u(params.stride_x, params.stride_y);
  let padding = vec2u(params.padding_x, params.padding_y);
  let dilation = vec2u(params.dilation_x, params.dilation_y);
  let windows = windows_at(min(pixels, vec4u(params.pixels - 1)), stride, padding);
  var tap = tap_at(begin + local / RIGHT_QUADS);
  let step = tap_at(STEP);

  var sums: Sums;
  for (var k = begin; k < end + DEPTH; k += DEPTH) {
    var weights = mat4x4f();
    if (local < LEFT_BLOCKS) {
      weights = transpose(mat4x4f(
        weight_quad(block_row, k + block_k), weight_quad(block_row + 1, k + block_k),
        weight_quad(block_row + 2, k + block_k), weight_quad(block_row + 3, k + block_k),
      ));
    }
    var values = array<vec4f, STEPS>();
    for (var s = 0u; s < STEPS; s++) {
      let place = tap.place * dilation;
      if (tap.channel < params.channels) { values[s] = load_image(windows, place, image_offset(tap.channel, place)); }
      tap = tap_after(tap, step);
    }
    // The slice before this one; at first there is none.
    multiply_slice(&sums, id.x, id.y, min(k - begin, DEPTH));
    workgroupBarrier();
    if (local < LEFT_BLOCKS) { store_left(block_k, local / (DEPTH / 4), weights); }
    for (var s = 0u; s < STEPS; s++) { right_slice[right_slot(local / RIGHT_QUADS + s * STEP, quad)] = values[s]; }
    workgroupBarrier();
  }

  let plane = params.out_height * params.out_width;
  for (var c = 0u; c < 4 * COLUMN_QUADS; c++) {
    let pixel = first_pixel + c % 4 * RIGHT_QUADS + c / 4 * COLUMN_THREADS + id.x;
    if (pixel >= params.pixels) { continue; }
    let batch = part * (params.pixels / plane) + pixel / plane;
    let first_channel = batch * params.all_out_channels + params.first_out_channel;
    for (var r = 0u; r < 4 * ROW_QUADS; r++) {
      let row = first_row + tile_row(id.y, r);
      if (row < params.out_channels) {
        var value = sums[r][c / 4][c % 4];
        if (HAS_BIAS) { value += f32(bias[row]); }
        out[(first_channel + row) * plane + pixel % plane] = Result(activate(value));
      }
    }
  }
}
