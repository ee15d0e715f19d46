// A tile of a matrix product on tensor cores: 2 x 2 blocks, a subgroup each; a block is 4 x 4 subgroup matrices of sums.
// The kernel brings slices of both operands, DEPTH deep, to workgroup memory. It declares
//   fn left(row: u32, k: u32) -> Left             the matrix of the left slice that begins at a row and a depth,
//   fn right(k: u32, column: u32) -> Right        the matrix of the right slice that begins at a depth and a column,
//   fn store_sum(sum: f32, row: u32, column: u32, tile: Tile)    for a row and a column of the tile,
// and its own Tile, which says where the tile lies.
//! import lib/subgroup_matrix.wgsl

const BLOCK_M = 4 * MATRIX_M;
const BLOCK_N = 4 * MATRIX_N;
const TILE_M = 2 * BLOCK_M;
const TILE_N = 2 * BLOCK_N;
const DEPTH = 2 * MATRIX_K;
const MATRIX_SIZE = MATRIX_M * MATRIX_N;

/// The sums of a block, row by row.
alias Sums = array<Sum, 16>;

var<workgroup> sums: array<f32, SUBGROUPS * MATRIX_SIZE>;   // one matrix of each subgroup, on its way out

fn first_row(subgroup: u32) -> u32 {
  return subgroup / 2 * BLOCK_M;
}

fn first_column(subgroup: u32) -> u32 {
  return subgroup % 2 * BLOCK_N;
}

/// Adds the product of the slices at MATRIX_K steps of their depth, from k on, to the block of a subgroup.
fn multiply_step(block: ptr<function, Sums>, subgroup: u32, k: u32) {
  let row = first_row(subgroup);
  let column = first_column(subgroup);
  let a0 = left(row, k);
  let a1 = left(row + MATRIX_M, k);
  let a2 = left(row + 2 * MATRIX_M, k);
  let a3 = left(row + 3 * MATRIX_M, k);
  let b0 = right(k, column);
  block[0] = times(a0, b0, block[0]); block[4] = times(a1, b0, block[4]);
  block[8] = times(a2, b0, block[8]); block[12] = times(a3, b0, block[12]);
  let b1 = right(k, column + MATRIX_N);
  block[1] = times(a0, b1, block[1]); block[5] = times(a1, b1, block[5]);
  block[9] = times(a2, b1, block[9]); block[13] = times(a3, b1, block[13]);
  let b2 = right(k, column + 2 * MATRIX_N);
  block[2] = times(a0, b2, block[2]); block[6] = times(a1, b2, block[6]);
  block[10] = times(a2, b2, block[10]); block[14] = times(a3, b2, block[14]);
  let b3 = right(k, column + 3 * MATRIX_N);
  block[3] = times(a0, b3, block[3]); block[7] = times(a1, b3, block[7]);
  block[11] = times(a2, b3, block[11]); block[15] = times(a3, b3, block[15]);
}

/// Hands a matrix of sums to workgroup memory: only there it has elements.
fn put(sum: Sum, subgroup: u32) {
  subgroupMatrixStore<row_major>(&sums, subgroup * MATRIX_SIZE, sum, MATRIX_N);
}

/// Stores the blocks, a matrix of each subgroup at a time; all of the workgroup must call it.
fn store_blocks(block: ptr<function, Sums>, subgroup: u32, tile: Tile, local: u32) {
  for (var s = 0u; s < 16; s++) {
    if (subgroup < SUBGROUPS) {
      switch s {
        case 0u: { put(block[0], subgroup); }
        case 1u: { put(block[1], subgroup); }
        case 2u: { put(block[2], subgroup); }
        case 3u: { put(block[3], subgroup); }
        case 4u: { put(block[4], subgroup); }
        case 5u: { put(block[5], subgroup); }
        case 6u: { put(block[6], subgroup); }
        case 7u: { put(block[7], subgroup); }
        case 8u: { put(block[8], subgroup); }
        case 9u: { put(block[9], subgroup); }
        case 10u: { put(block[10], subgroup); }
        case 11u: { put(block[11], subgroup); }
        case 12u: { put(block[12], subgroup); }
        case 13u: { put(block[13], subgroup); }
        case 14u: { put(block[14], subgroup); }
        default: { put(block[15], subgroup); }
      }
    }
    workgroupBarrier();
    for (var e = local; e < SUBGROUPS * MATRIX_SIZE; e += WORKGROUP) {
      let other = e / MATRIX_SIZE;
      let row = first_row(other) + s / 4 * MATRIX_M + e % MATRIX_SIZE / MATRIX_N;
      store_sum(sums[e], row, first_column(other) + s % 4 * MATRIX_N + e % MATRIX_N, tile);
    }
    workgroupBarrier();
  }
}
