// Two-dimensional convolution whose windows and taps are neighbours along x (S = D = 1 there), for drivers where storage
// loads are dear:
//   out[b, o, y, x] = activate(bias[o] + sum_{c, i, j} weight[o, c, i, j] image[b, c, y S - P + i D, x - P + j])
// as conv2d_plain.wgsl has it. A workgroup computes ROWS output channels, and each lane a strip of 4 QUADS neighbours
// of a line of them, in registers. The depth runs over the C KH lines (c, i) of the weights. For each of them
// * a lane has the SPAN pixels under its strip in registers, for all KW taps of the line. The next lane has the strip
//   below: where D = S along y, the pixels that it has for line i are those that this lane needs for line i + 1. So
//   they are loaded for the first line of a channel, and by lanes without such a neighbour, and slide on by
//   subgroupShuffle elsewhere;
// * lane l loads the weights of row l, and subgroupShuffle hands them round.
// The order of a sum is that of the depth, whatever the subgroup size.
enable subgroups;
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const LANES = 8u;       // lanes that load weights: no more than the smallest subgroup has
const ROWS = 16u;       // a multiple of BLOCK, at most 4 of them
const QUADS = 2u;
const TAPS = 5u;        // KW
const HAS_BIAS = false;
const LONG = false;     // the sums are long: add them up in blocks of LINES lines of the depth
const LINES = 512u;
alias Element = f32;
alias Result = f32;

/// Rows that are written as one loop: a compiler that unrolls a larger one only in part leaves the sums in memory.
const BLOCK = 4u;
const STRIP = 4 * QUADS;
const SPAN = STRIP + TAPS - 1;
const ROW_GROUPS = (ROWS + LANES - 1) / LANES;
alias Sums = array<array<vec4f, QUADS>, ROWS>;
alias Weights = array<array<f32, TAPS>, ROW_GROUPS>;
alias Pixels = array<f32, SPAN>;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  weight_channels: u32, first_channel: u32,            // WC and where image begins among them
  all_out_channels: u32, first_out_channel: u32,       // AO and where out begins among them
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Element>;      // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, AO, OH, OW)

/// The image at column x of the line that begins at `start`, 0 outside of it.
fn load_pixel(start: u32, x: u32, is_line: bool) -> f32 {
  let inside = is_line && x < params.width;
  return select(0.0, f32(image[select(0u, start + x, inside)]), inside);
}

/// Adds a line of the depth to the sums of a block of rows.
fn add_line(sums: ptr<function, Sums>, weights: ptr<function, Weights>, pixels: ptr<function, Pixels>, first: u32) {
  for (var r = first; r < first + BLOCK; r++) {
    for (var t = 0u; t < TAPS; t++) {
      let factor = vec4f(subgroupShuffle((*weights)[r / LANES][t], r % LANES));
      for (var q = 0u; q < QUADS; q++) {
        let s = 4 * q + t;
        let under = vec4f((*pixels)[s], (*pixels)[s + 1], (*pixels)[s + 2], (*pixels)[s + 3]);
        (*sums)[r][q] = fma(factor, under, (*sums)[r][q]);
      }
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn conv2d_strip(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let line_strips = (params.out_width + STRIP - 1) / STRIP;
  let strips = params.pixels / params.out_width * line_strips;
  let strip_tiles = (strips + WORKGROUP - 1) / WORKGROUP;
  let tile = linear_workgroup(workgroup, workgroups);
  let first_row = tile / strip_tiles * ROWS;
  if (first_row >= params.out_channels) { return; }
  let own_strip = tile % strip_tiles * WORKGROUP + local;

  // Rows and strips beyond the edge repeat the last one; they are not stored.
  var weight_start: array<u32, ROW_GROUPS>;
  for (var g = 0u; g < ROW_GROUPS; g++) {
    let row = min(first_row + g * LANES + lane % LANES, params.out_channels - 1);
    weight_start[g] = (row * params.weight_channels + params.first_channel) * params.kernel_height * TAPS;
  }
  // A column of strips from top to bottom, then the next.
  let strip = min(own_strip, strips - 1);
  let y = strip % params.out_height;
  let column = strip / params.out_height;
  let batch = column / line_strips;
  let x = column % line_strips * STRIP;
  // Places left of or above the image wrap around to huge numbers: one comparison finds both sides.
  let left = x - params.padding_x;
  let top = y * params.stride_y - params.padding_y;
  let next_lane = min(lane + 1, lanes - 1);
  let next_column = subgroupShuffle(column, next_lane);
  let next_top = subgroupShuffle(top, next_lane);
  let has_next = next_column == column && next_top == top + params.dilation_y;

  var sums: Sums;
  var blocks: Sums;   // of the lines before, with LONG
  var pixels: Pixels;
  var plane_line = batch * params.channels * params.height;
  var i = 0u;
  for (var k = 0u; k < params.channels * params.kernel_height; k++) {
    if (LONG && k % LINES == 0) {
      for (var r = 0u; r < ROWS; r++) {
        for (var q = 0u; q < QUADS; q++) {
          blocks[r][q] += sums[r][q];
          sums[r][q] = vec4f();
        }
      }
    }
    let image_y = top + i * params.dilation_y;
    let image_line = (plane_line + image_y) * params.width;
    for (var s = 0u; s < SPAN; s++) { pixels[s] = subgroupShuffle(pixels[s], next_lane); }
    if (i == 0 || !has_next) {
      for (var s = 0u; s < SPAN; s++) { pixels[s] = load_pixel(image_line, left + s, image_y < params.height); }
    }
    var weights: Weights;
    for (var g = 0u; g < ROW_GROUPS; g++) {
      for (var t = 0u; t < TAPS; t++) { weights[g][t] = f32(weight[weight_start[g] + k * TAPS + t]); }
    }
    add_line(&sums, &weights, &pixels, 0);
    if (ROWS > BLOCK) { add_line(&sums, &weights, &pixels, BLOCK); }
    if (ROWS > 2 * BLOCK) { add_line(&sums, &weights, &pixels, 2 * BLOCK); }
    if (ROWS > 3 * BLOCK) { add_line(&sums, &weights, &pixels, 3 * BLOCK); }
    i++;
    if (i == params.kernel_height) {
      i = 0;
      plane_line += params.height;
    }
  }

  // Written out for every row, the stores would be most of what a driver compiles: the sums move up to them instead.
  let plane = params.out_height * params.out_width;
  let channel = batch * params.all_out_channels + params.first_out_channel + first_row;
  let start = channel * plane + y * params.out_width + x;
  let count = select(0, params.out_width - x, own_strip < strips);
  for (var r = 0u; r < min(ROWS, params.out_channels - first_row); r++) {
    for (var s = 0u; s < STRIP; s++) {
      if (s < count) {
        var value = sums[0][s / 4][s % 4];
        if (LONG) { value += blocks[0][s / 4][s % 4]; }
        if (HAS_BIAS) { value += f32(bias[first_row + r]); }
        out[start + r * plane + s] = Result(activate(value));
      }
    }
    for (var n = 0u; n < ROWS - 1; n++) {
      sums[n] = sums[n + 1];
      if (LONG) { blocks[n] = blocks[n + 1]; }
    }
  }
}
