// Two-dimensional convolution as an implicit matrix product on tensor cores, laid out like matmul/matrix.wgsl:
//   sum[b, r, y, x] = sum_{c, i, j} weight[r, c, i, j] image[b, c, y S - P + i D, x S - P + j D]
//   out[b, r, y, x] = activate(bias[r] + sum[b, r, y, x])
// as conv2d_plain.wgsl has it. Rows are the output channels, then those of a gate where there is one
// (gated_conv/gate_sums.wgsl makes use of the sums); columns are the output pixels of all batches; the depth runs over
// the C KH KW weights of a row. Where there are few tiles, workgroups share out the depth of one (part_depth): out is
// then the sums of S parts, without bias and activation.
// A workgroup computes a tile (lib/matrix_tile.wgsl). Slices of the weights and of the image's values under them pass
// through workgroup memory; while one slice is multiplied, the next is on its way. An invocation gathers a run of taps
// for four pixels of its own: it divides once a slice to find the first and goes on from there.
// One row more than fills the tiles (a gate for all channels) does not open another tile: the four subgroups of the
// first tile share it out (LONE_ROW).
//! import lib/activation.wgsl
//! import lib/conv_window.wgsl
//! import lib/index.wgsl
//! import lib/matrix_tile.wgsl

const HAS_BIAS = false;
const HAS_GATE = false;
const LONE_ROW = false;
const WIDTH = 1u;           // weights in a Packed: 1 or 4
alias Packed = Element;     // Element or vec4<Element>
alias Result = f32;

// Slices in workgroup memory: lines of contiguous elements, padded against bank conflicts. A weight line is a row, an
// image line a tap.
const WEIGHT_STRIDE = DEPTH + 8;
const WEIGHT_SIZE = (TILE_M + select(0u, 1u, LONE_ROW)) * DEPTH;
const WEIGHT_LINES = TILE_M + select(0u, MATRIX_M, LONE_ROW);   // the lone row's matrix ends in zeros
const WEIGHT_LOADS = (WEIGHT_SIZE / WIDTH + WORKGROUP - 1) / WORKGROUP;
const IMAGE_STRIDE = TILE_N + 8;
// An invocation gathers a run of taps for four pixels, which lie PIXEL_STEP apart.
const PIXEL_STEP = TILE_N / 4;
const RUNS = min(WORKGROUP / PIXEL_STEP, DEPTH);
const RUN = DEPTH / RUNS;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  weight_channels: u32, first_channel: u32,            // WC and where image begins among them
  gate_channels: u32,                                  // G, 0 without a gate
  part_depth: u32,                                     // a multiple of 4
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;         // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Packed>;         // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> gate_weight: array<Packed>;    // (G, WC, KH, KW), with HAS_GATE
@group(0) @binding(3) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<Result>;      // (S, B, O + G, OH, OW)

var<workgroup> weight_slice: array<Element, WEIGHT_LINES * WEIGHT_STRIDE>;
var<workgroup> image_slice: array<Element, DEPTH * IMAGE_STRIDE>;

/// Where a tile lies in the product, and its share of the depth.
struct Tile {
  row: u32,
  pixel: u32,
  part: u32,
  depth_end: u32,
}

alias WeightLoads = array<vec4<Element>, WEIGHT_LOADS>;
alias ImageLoads = array<vec4<Element>, RUN>;

fn taps() -> u32 {
  return params.kernel_height * params.kernel_width;
}

fn row_count() -> u32 {
  return params.out_channels + params.gate_channels;
}

/// The row of a line of the weight slice.
fn row_of(tile: Tile, line: u32) -> u32 {
  return select(tile.row + line, row_count() - 1, LONE_ROW && line == TILE_M);
}

/// WIDTH weights of a row.
fn load_weight(row: u32, k: u32) -> vec4<Element> {
  let from_first = params.first_channel * taps() + k;
  let size = params.weight_channels * taps();
  if (row < params.out_channels) { return vec4<Element>(weight[(row * size + from_first) / WIDTH]); }
  if (HAS_GATE && row < row_count()) {
    return vec4<Element>(gate_weight[((row - params.out_channels) * size + from_first) / WIDTH]);
  }
  return vec4<Element>();
}

fn load_weights(tile: Tile, first_k: u32, local: u32) -> WeightLoads {
  var loads: WeightLoads;
  for (var i = 0u; i < WEIGHT_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    let k = first_k + element % DEPTH;
    if (k < tile.depth_end) { loads[i] = load_weight(row_of(tile, element / DEPTH), k); }
  }
  return loads;
}

/// The image at the taps of a run of the slice.
fn load_values(windows: Windows, first_k: u32, run: u32) -> ImageLoads {
  var loads: ImageLoads;
  var tap = tap_at(min(first_k + run * RUN, params.channels * taps() - 1));
  for (var i = 0u; i < RUN; i++) {
    let place = tap.place * vec2u(params.dilation_x, params.dilation_y);
    // Beyond the depth, where the weights are 0, the last channel goes on.
    let offset = image_offset(min(tap.channel, params.channels - 1), place);
    loads[i] = vec4<Element>(load_image(windows, place, offset));
    tap = tap_after(tap, Tap(0, vec2u(1, 0)));
  }
  return loads;
}

fn store_slices(weights: WeightLoads, values: ImageLoads, local: u32) {
  for (var i = 0u; i < WEIGHT_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    if (element < WEIGHT_SIZE) {
      let at = element / DEPTH * WEIGHT_STRIDE + element % DEPTH;
      for (var w = 0u; w < WIDTH; w++) { weight_slice[at + w] = weights[i][w]; }
    }
  }
  let run = local / PIXEL_STEP;
  if (run < RUNS) {
    for (var i = 0u; i < RUN; i++) {
      let at = (run * RUN + i) * IMAGE_STRIDE + local % PIXEL_STEP;
      for (var c = 0u; c < 4; c++) { image_slice[at + c * PIXEL_STEP] = values[i][c]; }
    }
  }
}

/// The matrix of weights that begins at a line and a depth of the slice.
fn left(line: u32, k: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&weight_slice, line * WEIGHT_STRIDE + k, WEIGHT_STRIDE);
}

/// The matrix of the image that begins at a depth and a pixel of the slice.
fn right(k: u32, column: u32) -> Right {
  return subgroupMatrixLoad<Right, row_major>(&image_slice, k * IMAGE_STRIDE + column, IMAGE_STRIDE);
}

/// Stores the sum at a row and a column of a tile.
fn store_sum(sum: f32, row: u32, column: u32, tile: Tile) {
  store(sum, tile.row + row, tile.pixel + column, tile.part);
}

fn store(sum: f32, row: u32, pixel: u32, part: u32) {
  if (row >= row_count() || pixel >= params.pixels) { return; }
  let plane = params.out_height * params.out_width;
  let picture = part * (params.pixels / plane) + pixel / plane;
  var value = sum;
  if (HAS_BIAS) { value += f32(bias[row]); }
  out[(picture * row_count() + row) * plane + pixel % plane] = Result(activate(value));
}

/// Stores the lone row's j-th matrices of the four subgroups, of which only the first line is more than zeros.
fn store_lone_sums(j: u32, tile: Tile, local: u32) {
  for (var e = local; e < SUBGROUPS * MATRIX_N; e += WORKGROUP) {
    let other = e / MATRIX_N;
    let pixel = tile.pixel + first_column(other) + (other / 2 * 2 + j) * MATRIX_N + e % MATRIX_N;
    store(sums[other * MATRIX_SIZE + e % MATRIX_N], row_count() - 1, pixel, tile.part);
  }
}

@compute @workgroup_size(WORKGROUP)
fn conv2d_matrix(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let row_tiles = (row_count() - select(0u, 1u, LONE_ROW) + TILE_M - 1) / TILE_M;
  let pixel_tiles = (params.pixels + TILE_N - 1) / TILE_N;
  let index = linear_workgroup(workgroup, workgroups);
  let depth = params.channels * taps();
  let part = index / (row_tiles * pixel_tiles);
  let first_k = part * params.part_depth;
  if (first_k >= depth) { return; }
  let tile = Tile(
    index / pixel_tiles % row_tiles * TILE_M,
    index % pixel_tiles * TILE_N,
    part,
    min(first_k + params.part_depth, depth),
  );
  let has_lone_row = LONE_ROW && tile.row == 0;

  // Pixels beyond the edge repeat the last one; they are not stored.
  let run = local / PIXEL_STEP;
  let pixel = tile.pixel + vec4u(0, 1, 2, 3) * PIXEL_STEP + local % PIXEL_STEP;
  let windows = windows_at(
    min(pixel, vec4u(params.pixels - 1)),
    vec2u(params.stride_x, params.stride_y),
    vec2u(params.padding_x, params.padding_y),
  );

  var block = Sums();
  var lone0 = Sum(); var lone1 = Sum();
  var weights = load_weights(tile, first_k, local);
  var values = load_values(windows, first_k, run);
  for (var k = first_k; k < tile.depth_end; k += DEPTH) {
    store_slices(weights, values, local);
    workgroupBarrier();
    if (k + DEPTH < tile.depth_end) {
      weights = load_weights(tile, k + DEPTH, local);
      values = load_values(windows, k + DEPTH, run);
    }
    if (subgroup < SUBGROUPS) {
      for (var step = 0u; step < DEPTH; step += MATRIX_K) {
        multiply_step(&block, subgroup, step);
        if (has_lone_row) {
          let lone = left(TILE_M, step);
          let column = first_column(subgroup) + subgroup / 2 * 2 * MATRIX_N;
          lone0 = times(lone, right(step, column), lone0);
          lone1 = times(lone, right(step, column + MATRIX_N), lone1);
        }
      }
    }
    workgroupBarrier();
  }

  store_blocks(&block, subgroup, tile, local);
  if (has_lone_row) {
    if (subgroup < SUBGROUPS) { put(lone0, subgroup); }
    workgroupBarrier();
    store_lone_sums(0, tile, local);
    workgroupBarrier();
    if (subgroup < SUBGROUPS) { put(lone1, subgroup); }
    workgroupBarrier();
    store_lone_sums(1, tile, local);
  }
}
