// Two-dimensional convolution as an implicit matrix product, for drivers where storage loads are dear:
//   out[b, o, y, x] = activate(bias[o] + sum_{c, i, j} weight[o, c, i, j] image[b, c, y S - P + i D, x S - P + j D])
// as conv2d_plain.wgsl has it. Rows are output channels, columns are the output pixels of all batches, and the depth
// runs over the C KH KW weights of a row. A workgroup computes ROWS rows, each lane 4 QUADS pixels of them in
// registers. For each chunk of the depth lane l loads weight[row, k + l] of every row and works out where the k + l-th
// tap lies in the image; subgroupShuffle hands both round (see matmul/shuffle.wgsl, also for why the result does not
// depend on the subgroup size).
// With GATE_ROWS it is the gated convolution of gated_conv2d_plain.wgsl. Gates are more rows of the same product: those
// of the same channels where each has its own, or one row that every workgroup computes for itself.
enable subgroups;
//! import lib/conv_window.wgsl
//! import lib/gated_output.wgsl
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const GATE_ROWS = 0u;   // 0 without gates; 1, or ROWS where each output channel has one
const GATES = max(GATE_ROWS, 1);
const QUADS = 2u;
const COLUMNS = 4 * QUADS * WORKGROUP;
const LONG = false;   // the sums are long: add them up in blocks of BLOCK steps
const BLOCK = 1024u;
alias Result = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  weight_channels: u32, first_channel: u32,            // WC and where image begins among them
  all_out_channels: u32, first_out_channel: u32,       // AO and where out begins among them
  partial_batch: u32, mask_batch: u32,                 // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;         // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Element>;        // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read> gate_weight: array<Element>;   // (G, WC, KH, KW), G = 1 or O, with GATE_ROWS
@group(0) @binding(4) var<storage, read> gate_bias: array<Element>;     // (G), with HAS_GATE_BIAS
@group(0) @binding(5) var<storage, read> partial_sum: array<Partial>;   // (B or 1, O + G, OH, OW), with HAS_PARTIAL
@group(0) @binding(6) var<storage, read> mask: array<Element>;          // (B or 1, OH, OW), with HAS_MASK
@group(0) @binding(7) var<storage, read_write> out: array<Result>;      // (B, AO, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn conv2d_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let pixel_tiles = (params.pixels + COLUMNS - 1) / COLUMNS;
  let tile = linear_workgroup(workgroup, workgroups);
  let first_row = tile / pixel_tiles * ROWS;
  if (first_row >= params.out_channels) { return; }
  let first_pixel = tile % pixel_tiles * COLUMNS + local;

  // Rows and pixels beyond the edge repeat the last one; they are not stored.
  let taps = params.kernel_height * params.kernel_width;
  let depth = params.channels * taps;
  var weight_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    let row = min(first_row + r, params.out_channels - 1);
    weight_start[r] = (row * params.weight_channels + params.first_channel) * taps;
  }
  let stride = vec2u(params.stride_x, params.stride_y);
  let padding = vec2u(params.padding_x, params.padding_y);
  let dilation = vec2u(params.dilation_x, params.dilation_y);
  var windows: array<Windows, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let pixel = min(first_pixel + (4 * q + vec4u(0, 1, 2, 3)) * WORKGROUP, vec4u(params.pixels - 1));
    windows[q] = windows_at(pixel, stride, padding);
  }

  var sum: array<array<vec4f, QUADS>, ROWS>;
  var gate: array<array<vec4f, QUADS>, GATES>;
  var sum_blocks: array<array<vec4f, QUADS>, ROWS>;   // of the steps before, with LONG
  var gate_blocks: array<array<vec4f, QUADS>, GATES>;
  for (var k = 0u; k < depth; k += lanes) {
    if (LONG && k % BLOCK == 0) {
      for (var r = 0u; r < ROWS; r++) {
        for (var q = 0u; q < QUADS; q++) {
          sum_blocks[r][q] += sum[r][q];
          sum[r][q] = vec4f();
        }
      }
      for (var r = 0u; r < GATE_ROWS; r++) {
        for (var q = 0u; q < QUADS; q++) {
          gate_blocks[r][q] += gate[r][q];
          gate[r][q] = vec4f();
        }
      }
    }
    // Beyond the depth the weights are 0.
    let own = min(k + lane, depth - 1);
    var weights: array<f32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      weights[r] = select(0.0, f32(weight[weight_start[r] + own]), k + lane < depth);
    }
    var gate_weights: array<f32, GATES>;
    for (var r = 0u; r < GATE_ROWS; r++) {
      let start = select(params.first_channel * taps, weight_start[r], GATE_ROWS > 1);
      gate_weights[r] = select(0.0, f32(gate_weight[start + own]), k + lane < depth);
    }
    let own_tap = tap_at(own);
    let own_place = own_tap.place * dilation;
    let own_offset = image_offset(own_tap.channel, own_place);

    let steps = min(lanes, depth - k);
    for (var j = 0u; j < steps; j += 2) {
      let place = subgroupShuffle(own_place, j);
      let offset = subgroupShuffle(own_offset, j);
      let next_place = subgroupShuffle(own_place, j + 1);
      let next_offset = subgroupShuffle(own_offset, j + 1);
      var values: array<vec4f, QUADS>;
      var next_values: array<vec4f, QUADS>;
      for (var q = 0u; q < QUADS; q++) {
        values[q] = load_image(windows[q], place, offset);
        next_values[q] = load_image(windows[q], next_place, next_offset);
      }
      for (var r = 0u; r < ROWS; r++) {
        let factor = vec4f(subgroupShuffle(weights[r], j));
        let next_factor = vec4f(subgroupShuffle(weights[r], j + 1));
        for (var q = 0u; q < QUADS; q++) {
          sum[r][q] = fma(next_factor, next_values[q], fma(factor, values[q], sum[r][q]));
        }
      }
      for (var r = 0u; r < GATE_ROWS; r++) {
        let factor = vec4f(subgroupShuffle(gate_weights[r], j));
        let next_factor = vec4f(subgroupShuffle(gate_weights[r], j + 1));
        for (var q = 0u; q < QUADS; q++) {
          gate[r][q] = fma(next_factor, next_values[q], fma(factor, values[q], gate[r][q]));
        }
      }
    }
  }

  let plane = params.out_height * params.out_width;
  for (var r = 0u; r < ROWS; r++) {
    let row = first_row + r;
    for (var c = 0u; c < 4 * QUADS; c++) {
      let pixel = first_pixel + c * WORKGROUP;
      if (row < params.out_channels && pixel < params.pixels) {
        let batch = pixel / plane;
        let position = pixel % plane;
        var value = sum[r][c / 4][c % 4];
        if (LONG) { value += sum_blocks[r][c / 4][c % 4]; }
        if (GATE_ROWS > 0) {
          let g = min(r, GATES - 1);
          var opening = gate[g][c / 4][c % 4];
          if (LONG) { opening += gate_blocks[g][c / 4][c % 4]; }
          value = gated_output(value, opening, Place(batch, row, select(0u, row, GATE_ROWS > 1), plane, position));
        } else {
          if (HAS_BIAS) { value += f32(bias[row]); }
          value = activate(value);
        }
        let channel = batch * params.all_out_channels + params.first_out_channel + row;
        out[channel * plane + position] = Result(value);
      }
    }
  }
}
