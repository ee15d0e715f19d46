// Gated two-dimensional convolution as an implicit matrix product, for drivers where storage loads are dear:
//   out = activate(conv(image, weight) + bias) * sigmoid(conv(image, gate_weight) + gate_bias) * mask
// as gated_conv2d_plain.wgsl has it, laid out like conv/conv2d_shuffle.wgsl: a workgroup computes ROWS output channels,
// each lane 4 QUADS pixels of them in registers. The gate is more rows of the same product: those of the same
// channels where each has its own, or one row that every workgroup computes for itself.
enable subgroups;
//! import lib/activation.wgsl
//! import lib/conv_window.wgsl
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const GATE_ROWS = 1u;   // 1, or ROWS where each output channel has a gate
const QUADS = 2u;
const COLUMNS = 4 * QUADS * WORKGROUP;
const HAS_BIAS = false;
const HAS_GATE_BIAS = false;
const HAS_PARTIAL = false;
const HAS_MASK = false;
const LONG = false;   // the sums are long: add them up in blocks of BLOCK steps
const BLOCK = 1024u;
alias Element = f32;
alias Partial = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  padding_y: u32, padding_x: u32,
  weight_channels: u32,                                // WC
  partial_batch: u32, mask_batch: u32,                 // elements from one batch to the next, 0 where shared
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;         // (B, C, H, W)
@group(0) @binding(1) var<storage, read> weight: array<Element>;        // (O, WC, KH, KW)
@group(0) @binding(2) var<storage, read> bias: array<Element>;          // (O), with HAS_BIAS
@group(0) @binding(3) var<storage, read> gate_weight: array<Element>;   // (G, WC, KH, KW), G = 1 or O
@group(0) @binding(4) var<storage, read> gate_bias: array<Element>;     // (G), with HAS_GATE_BIAS
@group(0) @binding(5) var<storage, read> partial_sum: array<Partial>;   // (B or 1, O + G, OH, OW), with HAS_PARTIAL
@group(0) @binding(6) var<storage, read> mask: array<Element>;          // (B or 1, OH, OW), with HAS_MASK
@group(0) @binding(7) var<storage, read_write> out: array<Element>;     // (B, O, OH, OW)

@compute @workgroup_size(WORKGROUP)
fn gated_conv2d_shuffle(
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
  var row_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    row_start[r] = min(first_row + r, params.out_channels - 1) * params.weight_channels * taps;
  }
  var windows: array<Windows, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let pixel = min(first_pixel + (4 * q + vec4u(0, 1, 2, 3)) * WORKGROUP, vec4u(params.pixels - 1));
    windows[q] = windows_at(pixel, vec2u(1), vec2u(params.padding_x, params.padding_y));
  }

  var sum: array<array<vec4f, QUADS>, ROWS>;
  var gate: array<array<vec4f, QUADS>, GATE_ROWS>;
  var sum_blocks: array<array<vec4f, QUADS>, ROWS>;   // of the steps before, with LONG
  var gate_blocks: array<array<vec4f, QUADS>, GATE_ROWS>;
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
      weights[r] = select(0.0, f32(weight[row_start[r] + own]), k + lane < depth);
    }
    var gate_weights: array<f32, GATE_ROWS>;
    for (var r = 0u; r < GATE_ROWS; r++) {
      let start = select(0u, row_start[r], GATE_ROWS > 1);
      gate_weights[r] = select(0.0, f32(gate_weight[start + own]), k + lane < depth);
    }
    let own_tap = tap_at(own);
    let own_place = own_tap.place;
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
    let gate_row = select(0u, row, GATE_ROWS > 1);
    for (var c = 0u; c < 4 * QUADS; c++) {
      let pixel = first_pixel + c * WORKGROUP;
      if (row < params.out_channels && pixel < params.pixels) {
        let batch = pixel / plane;
        let position = pixel % plane;
        var value = sum[r][c / 4][c % 4];
        var opening = gate[min(r, GATE_ROWS - 1)][c / 4][c % 4];
        if (LONG) {
          value += sum_blocks[r][c / 4][c % 4];
          opening += gate_blocks[min(r, GATE_ROWS - 1)][c / 4][c % 4];
        }
        if (HAS_BIAS) { value += f32(bias[row]); }
        if (HAS_GATE_BIAS) { opening += f32(gate_bias[gate_row]); }
        if (HAS_PARTIAL) {
          let start = batch * params.partial_batch + position;
          value += f32(partial_sum[start + row * plane]);
          opening += f32(partial_sum[start + (params.out_channels + gate_row) * plane]);
        }
        value = activate(value) * sigmoid(opening);
        if (HAS_MASK) { value *= f32(mask[batch * params.mask_batch + position]); }
        out[(batch * params.out_channels + row) * plane + position] = Element(value);
      }
    }
  }
}
