// A linear layer with a quantised weight (lib/quantized.wgsl), bias and activation, for GPUs:
//   out[m, n] = activate(sum_k a[m, k] w[n, k] + bias[n])
// A workgroup computes a tile of TILE_ROWS x TILE_COLUMNS outputs as lib/tile_sums.wgsl has it; the weight becomes
// numbers on its way into workgroup memory. Where there are few tiles the depth is shared out as in matmul/tiled.wgsl.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/left_blocks.wgsl
//! import lib/quantized_element.wgsl
//! import lib/tile_sums.wgsl

const TRANSPOSE_B = true;
const HAS_BIAS = false;
alias Result = f32;

struct Params {
  m: u32, n: u32, k: u32, group_log2: u32,
  part_depth: u32,            // a multiple of DEPTH
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (M, K)
@group(0) @binding(1) var<storage, read> values: array<u32>;          // (N, words)
@group(0) @binding(2) var<storage, read> scales: array<Scale>;        // (N, groups)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<Result>;    // (parts, M, N)

/// Four columns of the weight at four steps from k on, a step a column of the block. Beyond the depth it repeats what it
/// has: there a is 0. Columns beyond the last repeat it: they are not stored.
fn b_block(start: u32, column: u32, k: u32) -> mat4x4f {
  let columns = min(column + vec4u(0, 1, 2, 3), vec4u(params.n - 1));
  let first = min(k, (params.k - 1) / 4 * 4);
  return transpose(mat4x4f(
    weight_quad(columns.x, first), weight_quad(columns.y, first),
    weight_quad(columns.z, first), weight_quad(columns.w, first),
  ));
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn quantized_linear_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let row_tiles = (params.m + TILE_ROWS - 1) / TILE_ROWS;
  let column_tiles = (params.n + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let index = linear_workgroup(workgroup, workgroups);
  let part = index / (row_tiles * column_tiles);
  let begin = part * params.part_depth;
  if (begin >= params.k) { return; }
  let end = min(begin + params.part_depth, params.k);
  let first_row = index / column_tiles % row_tiles * TILE_ROWS;
  let first_column = index % column_tiles * TILE_COLUMNS;
  let sums = tile_sums(Tile(first_row, first_column, begin, end, 0, 0), id.xy);
  for (var r = 0u; r < 4 * ROW_QUADS; r++) {
    let row = first_row + tile_row(id.y, r);
    for (var c = 0u; c < 4 * COLUMN_QUADS; c++) {
      let column = first_column + tile_column(id.x, c);
      if (row < params.m && column < params.n) {
        var value = sums[r][c / 4][c % 4];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[(part * params.m + row) * params.n + column] = Result(activate(value));
      }
    }
  }
}
