// Matrix product of each batch i, with bias and activation, for GPUs:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// A workgroup computes a tile of TILE_ROWS x TILE_COLUMNS outputs as lib/tile_product.wgsl has it. An invocation loads
// a block of four rows or columns by four steps of the depth, and does so before it multiplies the slice before it: so
// memory and arithmetic overlap. Where there are few tiles the depth is shared out too: workgroups then compute parts
// of the sums, part_depth deep, which sum_parts.wgsl joins.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/matrix_blocks.wgsl
//! import lib/tile_product.wgsl

const LEFT_BLOCKS = LEFT_QUADS * DEPTH / 4;     // blocks of a slice, at most THREADS
const RIGHT_BLOCKS = RIGHT_QUADS * DEPTH / 4;
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

/// Quad (x) and step (y) of the slice where block i of an operand begins: neighbouring invocations take blocks that
/// are neighbours in storage.
fn block_place(i: u32, quads: u32, depth_is_contiguous: bool) -> vec2u {
  if (depth_is_contiguous) { return vec2u(i / (DEPTH / 4), 4 * (i % (DEPTH / 4))); }
  return vec2u(i % quads, 4 * (i / quads));
}

@compute @workgroup_size(COLUMN_THREADS, ROW_THREADS)
fn matmul_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
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

  // The last invocations load b: where half of them would be enough for each operand, all are busy.
  let left_block = local;
  let right_block = THREADS - 1 - local;
  let left_place = block_place(left_block, LEFT_QUADS, !TRANSPOSE_A);
  let right_place = block_place(right_block, RIGHT_QUADS, TRANSPOSE_B);
  var sums: Sums;
  for (var k = begin; k < end + DEPTH; k += DEPTH) {
    var left = mat4x4f();
    var right = mat4x4f();
    if (left_block < LEFT_BLOCKS) { left = a_block(batch, first_row + 4 * left_place.x, k + left_place.y); }
    if (right_block < RIGHT_BLOCKS) { right = b_block(batch, first_column + 4 * right_place.x, k + right_place.y); }
    // The slice before this one; at first there is none.
    multiply_slice(&sums, id.x, id.y, min(k - begin, DEPTH));
    workgroupBarrier();
    if (left_block < LEFT_BLOCKS) { store_left(left_place.y, left_place.x, left); }
    if (right_block < RIGHT_BLOCKS) { store_right(right_place.y, right_place.x, right); }
    workgroupBarrier();
  }

  for (var r = 0u; r < 4 * ROW_QUADS; r++) {
    let row = first_row + tile_row(id.y, r);
    for (var c = 0u; c < 4 * COLUMN_QUADS; c++) {
      let column = first_column + 4 * (c / 4 * COLUMN_THREADS + id.x) + c % 4;
      if (row < params.m && column < params.n) {
        var value = sums[r][c / 4][c % 4];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[(sheet * params.m + row) * params.n + column] = Result(activate(value));
      }
    }
  }
}
