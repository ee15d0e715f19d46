// Matrix product of each batch i, with bias and activation, for GPUs:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// A workgroup computes a tile of TILE_ROWS x TILE_COLUMNS outputs as lib/tile_sums.wgsl has it. Where there are few
// tiles the depth is shared out too: workgroups then compute parts of the sums, part_depth deep, which sum_parts.wgsl
// joins.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/matrix_blocks.wgsl
//! import lib/tile_sums.wgsl

const HAS_BIAS = false;
alias Result = f32;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  part_depth: u32,            // a multiple of DEPTH
  a_batch: u32, b_batch: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (B or 1, M, K) or (B or 1, K, M)
@group(0) @binding(1) var<storage, read> b: array<Packed>;            // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (parts, B, M, N)

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn matmul_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let row_tiles = (params.m + TILE_ROWS - 1) / TILE_ROWS;
  let column_tiles = (params.n + TILE_COLUMNS - 1) / TILE_COLUMNS;
  let index = linear_workgroup(workgroup, workgroups);
  let sheet = index / (row_tiles * column_tiles);   // part of the depth and batch
  let part = sheet / params.batches;
  let begin = part * params.part_depth;
  if (begin >= params.k) { return; }
  let end = min(begin + params.part_depth, params.k);
  let batch = sheet % params.batches;
  let first_row = index / column_tiles % row_tiles * TILE_ROWS;
  let first_column = index % column_tiles * TILE_COLUMNS;

  let sums = tile_sums(
    Tile(first_row, first_column, begin, end, batch * params.a_batch, batch * params.b_batch), id.xy,
  );
  for (var r = 0u; r < 4 * ROW_QUADS; r++) {
    let row = first_row + tile_row(id.y, r);
    for (var c = 0u; c < 4 * COLUMN_QUADS; c++) {
      let column = first_column + tile_column(id.x, c);
      if (row < params.m && column < params.n) {
        var value = sums[r][c / 4][c % 4];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[(sheet * params.m + row) * params.n + column] = Result(activate(value));
      }
    }
  }
}
