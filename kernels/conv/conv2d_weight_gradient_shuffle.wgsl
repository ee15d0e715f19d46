// Gradient of a two-dimensional convolution by its weights, for drivers where storage loads are dear:
//   out[o, c, i, j] = sum_{b, y, x} gradient[b, o, y, x] image[b, c, y S - P + i D, x S - P + j D]
// as conv2d_weight_gradient_plain.wgsl has it. Rows are output channels, and columns are spans of TAPS neighbours in a
// line (c, i) of the kernel. A workgroup computes ROWS rows, each lane SPANS spans of them in registers, over
// part_lines lines (b, y) of the gradient; matmul/sum_parts.wgsl adds up the parts.
// Along a line lane l loads gradient[row, x + l] of every row, and subgroupShuffle hands it round (see
// matmul/shuffle.wgsl). Where neighbouring taps see neighbouring pixels (S = D = 1), the pixels under a span slide
// along with x: each is loaded once for the whole span. Elsewhere TAPS must be 1.
enable subgroups;
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 11u;
const SPANS = 1u;
const TAPS = 5u;
const STEPS = 2u;       // pixels of a line that go together, no more than the smallest subgroup has lanes
const LONG = false;   // the sums are long: add them up in blocks of BLOCK steps
const BLOCK = 1024u;
alias Element = f32;
alias Result = f32;

struct Params {
  pixels: u32,                                         // B OH OW
  channels: u32, height: u32, width: u32,              // C, H, W
  out_channels: u32, out_height: u32, out_width: u32,  // O, OH, OW
  kernel_height: u32, kernel_width: u32,               // KH, KW
  stride_y: u32, stride_x: u32, padding_y: u32, padding_x: u32, dilation_y: u32, dilation_x: u32,
  part_lines: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<Element>;       // (B, C, H, W)
@group(0) @binding(1) var<storage, read> gradient: array<Element>;    // (B, O, OH, OW)
@group(0) @binding(2) var<storage, read_write> out: array<Result>;    // (parts, O, C, KH, KW)

/// The image at column x of the line that begins at `start`, 0 outside of it.
fn load_pixel(start: u32, x: u32, is_line: bool) -> f32 {
  let inside = is_line && x < params.width;
  return select(0.0, f32(image[select(0u, start + x, inside)]), inside);
}

@compute @workgroup_size(WORKGROUP)
fn conv2d_weight_gradient_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let line_spans = (params.kernel_width + TAPS - 1) / TAPS;
  let spans = params.channels * params.kernel_height * line_spans;
  let span_tiles = (spans + SPANS * WORKGROUP - 1) / (SPANS * WORKGROUP);
  let row_tiles = (params.out_channels + ROWS - 1) / ROWS;
  let tile = linear_workgroup(workgroup, workgroups);
  let first_span = tile % span_tiles * SPANS * WORKGROUP + local;
  let first_row = tile / span_tiles % row_tiles * ROWS;
  let part = tile / (span_tiles * row_tiles);
  let lines = params.pixels / params.out_width;
  let begin = part * params.part_lines;
  if (begin >= lines) { return; }
  let end = min(begin + params.part_lines, lines);

  // Rows and spans beyond the edge repeat the last one; they are not stored.
  let plane = params.out_height * params.out_width;
  var row_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { row_start[r] = min(first_row + r, params.out_channels - 1) * plane; }
  // Places left of or above the image wrap around to huge numbers: one comparison finds both sides.
  var channel: array<u32, SPANS>;
  var top: array<u32, SPANS>;
  var left: array<u32, SPANS>;
  for (var s = 0u; s < SPANS; s++) {
    let span = min(first_span + s * WORKGROUP, spans - 1);
    let line = span / line_spans;
    channel[s] = line / params.kernel_height;
    top[s] = line % params.kernel_height * params.dilation_y - params.padding_y;
    left[s] = span % line_spans * TAPS * params.dilation_x - params.padding_x;
  }

  var sums: array<array<array<f32, TAPS>, SPANS>, ROWS>;
  var blocks: array<array<array<f32, TAPS>, SPANS>, ROWS>;   // of the pixels before, with LONG
  var pixels = 0u;                                           // in sums
  for (var line = begin; line < end; line++) {
    let batch = line / params.out_height;
    let y = line % params.out_height;
    let gradient_line = batch * params.out_channels * plane + y * params.out_width;
    var is_line: array<bool, SPANS>;
    var image_line: array<u32, SPANS>;
    // The pixels under the spans, of the first step on; those that come with a step are the last.
    var window: array<array<f32, TAPS + STEPS - 1>, SPANS>;
    for (var s = 0u; s < SPANS; s++) {
      let at_y = top[s] + y * params.stride_y;
      is_line[s] = at_y < params.height;
      image_line[s] = ((batch * params.channels + channel[s]) * params.height + at_y) * params.width;
      for (var t = 0u; t < TAPS - 1; t++) { window[s][t + STEPS] = load_pixel(image_line[s], left[s] + t, is_line[s]); }
    }
    for (var x = 0u; x < params.out_width; x += lanes) {
      pixels += lanes;
      if (LONG && pixels >= BLOCK) {
        pixels = 0;
        for (var r = 0u; r < ROWS; r++) {
          for (var s = 0u; s < SPANS; s++) {
            for (var t = 0u; t < TAPS; t++) {
              blocks[r][s][t] += sums[r][s][t];
              sums[r][s][t] = 0.0;
            }
          }
        }
      }
      // Beyond the line the gradient is 0.
      let own = min(x + lane, params.out_width - 1);
      var factors: array<f32, ROWS>;
      for (var r = 0u; r < ROWS; r++) {
        factors[r] = select(0.0, f32(gradient[gradient_line + row_start[r] + own]), x + lane < params.out_width);
      }
      let steps = min(lanes, params.out_width - x);
      for (var j = 0u; j < steps; j += STEPS) {
        for (var s = 0u; s < SPANS; s++) {
          for (var t = 0u; t < TAPS - 1; t++) { window[s][t] = window[s][t + STEPS]; }
          for (var u = 0u; u < STEPS; u++) {
            let at_x = left[s] + (x + j + u) * params.stride_x + TAPS - 1;
            window[s][TAPS - 1 + u] = load_pixel(image_line[s], at_x, is_line[s]);
          }
        }
        for (var r = 0u; r < ROWS; r++) {
          var factor: array<f32, STEPS>;
          for (var u = 0u; u < STEPS; u++) { factor[u] = subgroupShuffle(factors[r], j + u); }
          for (var s = 0u; s < SPANS; s++) {
            for (var t = 0u; t < TAPS; t++) {
              // Step after step in one register: a sum that goes to memory and back costs more than they do.
              var sum = sums[r][s][t];
              for (var u = 0u; u < STEPS; u++) { sum = fma(factor[u], window[s][t + u], sum); }
              sums[r][s][t] = sum;
            }
          }
        }
      }
    }
  }

  let depth = params.channels * params.kernel_height * params.kernel_width;
  for (var r = 0u; r < ROWS; r++) {
    let row = first_row + r;
    for (var s = 0u; s < SPANS; s++) {
      let span = first_span + s * WORKGROUP;
      for (var t = 0u; t < TAPS; t++) {
        let column = span % line_spans * TAPS + t;
        if (row < params.out_channels && span < spans && column < params.kernel_width) {
          let tap = span / line_spans * params.kernel_width + column;
          var sum = sums[r][s][t];
          if (LONG) { sum += blocks[r][s][t]; }
          out[(part * params.out_channels + row) * depth + tap] = Result(sum);
        }
      }
    }
  }
}
