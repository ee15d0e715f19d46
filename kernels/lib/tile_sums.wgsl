// The sums of a tile of a matrix product over a part of its depth, for GPUs: lib/tile_product.wgsl fed from storage. An
// invocation loads a block of four rows or columns by four steps of the depth, and does so before it multiplies the
// slice before it: so memory and arithmetic overlap. The kernel declares or imports a_block(start, row, k) and
// b_block(start, column, k), and TRANSPOSE_A and TRANSPOSE_B as lib/matrix_blocks.wgsl has them.
//! import lib/tile_product.wgsl

const LEFT_BLOCKS = LEFT_QUADS * DEPTH / 4;     // blocks of a slice, at most THREADS
const RIGHT_BLOCKS = RIGHT_QUADS * DEPTH / 4;

/// The part of the product that a workgroup sums: its first row and column, the depth from `begin` to before `end`,
/// and the elements where the matrices begin.
struct Tile {
  row: u32,
  column: u32,
  begin: u32,
  end: u32,
  a_start: u32,
  b_start: u32,
}

/// Quad (x) and step (y) of the slice where block i of an operand begins: neighbouring invocations take blocks that
/// are neighbours in storage.
fn block_place(i: u32, quads: u32, depth_is_contiguous: bool) -> vec2u {
  if (depth_is_contiguous) { return vec2u(i / (DEPTH / 4), 4 * (i % (DEPTH / 4))); }
  return vec2u(i % quads, 4 * (i / quads));
}

/// The sums of the invocation at (column thread, row thread); all of the workgroup must call it.
fn tile_sums(tile: Tile, thread: vec2u) -> Sums {
  // The last invocations load b: where half of them would be enough for each operand, all are busy.
  let left_block = thread.y * COLUMN_THREADS + thread.x;
  let right_block = THREADS - 1 - left_block;
  let left_place = block_place(left_block, LEFT_QUADS, !TRANSPOSE_A);
  let right_place = block_place(right_block, RIGHT_QUADS, TRANSPOSE_B);
  var sums: Sums;
  for (var k = tile.begin; k < tile.end + DEPTH; k += DEPTH) {
    var left = mat4x4f();
    var right = mat4x4f();
    if (left_block < LEFT_BLOCKS) { left = a_block(tile.a_start, tile.row + 4 * left_place.x, k + left_place.y); }
    if (right_block < RIGHT_BLOCKS) {
      right = b_block(tile.b_start, tile.column + 4 * right_place.x, k + right_place.y);
    }
    // The slice before this one; at first there is none.
    multiply_slice(&sums, thread.x, thread.y, min(k - tile.begin, DEPTH));
    workgroupBarrier();
    if (left_block < LEFT_BLOCKS) { store_left(left_place.y, left_place.x, left); }
    if (right_block < RIGHT_BLOCKS) { store_right(right_place.y, right_place.x, right); }
    workgroupBarrier();
  }
  return sums;
}

/// Where column c of an invocation lies in the tile.
fn tile_column(column_thread: u32, c: u32) -> u32 {
  return 4 * (c / 4 * COLUMN_THREADS + column_thread) + c % 4;
}
