// A linear layer with a quantised weight (lib/quantized.wgsl), bias and activation, for software drivers:
//   out[m, n] = activate(sum_k input[m, k] w[n, k] + bias[n])
// As matmul/shuffle.wgsl: a workgroup computes ROWS rows of out, each lane 4 QUADS columns of them in registers. For
// each chunk of the depth, which lies in one group, lane l loads input[row, k + l] of every row, and subgroupShuffle
// hands them round. Each lane loads the words of its own columns, one load for every four steps of the depth.
enable subgroups;
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/quantized.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const QUADS = 2u;
const COLUMNS = 4 * QUADS * WORKGROUP;
const HAS_BIAS = false;
const LONG = false;   // the sums are long: add them up in blocks of BLOCK steps
const BLOCK = 1024u;
alias Element = f32;
alias Result = f32;

struct Params { m: u32, n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Element>;       // (M, K)
@group(0) @binding(1) var<storage, read> values: array<u32>;          // (N, words)
@group(0) @binding(2) var<storage, read> scales: array<Scale>;        // (N, groups)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<Result>;    // (M, N)

fn load_words(at: vec4u) -> vec4u {
  return vec4u(values[at.x], values[at.y], values[at.z], values[at.w]);
}

@compute @workgroup_size(WORKGROUP)
fn quantized_linear_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.m + ROWS - 1) / ROWS;
  let tile = linear_workgroup(workgroup, workgroups);
  let first_row = tile % row_tiles * ROWS;
  let first_column = tile / row_tiles * COLUMNS + local;
  if (tile / row_tiles * COLUMNS >= params.n) { return; }

  // Rows and columns beyond the edge repeat the last one; they are not stored.
  var input_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { input_start[r] = min(first_row + r, params.m - 1) * params.k; }
  var columns: array<vec4u, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    columns[q] = min(first_column + (4 * q + vec4u(0, 1, 2, 3)) * WORKGROUP, vec4u(params.n - 1));
  }

  var sum: array<array<vec4f, QUADS>, ROWS>;
  var blocks: array<array<vec4f, QUADS>, ROWS>;   // of the groups before, with LONG
  let group_size = 1u << params.group_log2;
  let chunk = min(lanes, group_size);
  for (var first = 0u; first < params.k; first += group_size) {
    if (LONG && first % BLOCK == 0) {
      for (var r = 0u; r < ROWS; r++) {
        for (var q = 0u; q < QUADS; q++) {
          blocks[r][q] += sum[r][q];
          sum[r][q] = vec4f();
        }
      }
    }
    var step: array<vec4f, QUADS>;
    for (var q = 0u; q < QUADS; q++) {
      for (var c = 0u; c < 4; c++) { step[q][c] = group_step(columns[q][c], group_of(first)); }
    }
    let end = min(first + group_size, params.k);
    for (var k = first; k < end; k += chunk) {
      // Beyond the depth the chunk is 0.
      let offset = min(k + lane, params.k - 1);
      var input_chunk: array<f32, ROWS>;
      for (var r = 0u; r < ROWS; r++) {
        input_chunk[r] = select(0.0, f32(input[input_start[r] + offset]), k + lane < params.k);
      }
      let steps = min(chunk, end - k);
      for (var j = 0u; j < steps; j += 4) {
        var words: array<vec4u, QUADS>;
        for (var q = 0u; q < QUADS; q++) { words[q] = load_words(columns[q] * row_words() + (k + j) / PER_WORD); }
        for (var i = 0u; i < 4; i++) {
          var w: array<vec4f, QUADS>;
          for (var q = 0u; q < QUADS; q++) {
            w[q] = whole_numbers(words[q], vec4u((k + j) % PER_WORD + i)) * step[q];
          }
          for (var r = 0u; r < ROWS; r++) {
            let value = vec4f(subgroupShuffle(input_chunk[r], j + i));
            for (var q = 0u; q < QUADS; q++) { sum[r][q] = fma(value, w[q], sum[r][q]); }
          }
        }
      }
    }
  }

  for (var r = 0u; r < ROWS; r++) {
    let row = first_row + r;
    for (var c = 0u; c < 4 * QUADS; c++) {
      let column = first_column + c * WORKGROUP;
      if (row < params.m && column < params.n) {
        var value = sum[r][c / 4][c % 4];
        if (LONG) { value += blocks[r][c / 4][c % 4]; }
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[row * params.n + column] = Result(activate(value));
      }
    }
  }
}
