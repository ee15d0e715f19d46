// A tile of a matrix product, for GPUs. Slices of DEPTH of both operands pass through workgroup memory as quads: four
// rows of the left operand, or four columns of the right one, at one step of the depth. An invocation sums
// 4 ROW_QUADS x 4 COLUMN_QUADS outputs in registers, 16 multiply-adds for each quad that it reads where both are 2.
// Its quads lie ROW_THREADS and COLUMN_THREADS apart, so that neighbours read neighbouring quads.
//
// The kernel fills the slices and calls multiply_slice between barriers. What lies along the depth in storage arrives
// as blocks of four rows by four steps, neighbours holding neighbouring steps: their quads would all go to the same
// banks of workgroup memory, so the slots of a row of quads are permuted, differently every four steps.

const ROW_THREADS = 8u;      // invocations along the rows of the tile
const COLUMN_THREADS = 8u;   // and along its columns
const ROW_QUADS = 2u;        // quads of rows of an invocation
const COLUMN_QUADS = 2u;     // and of columns
const DEPTH = 16u;           // a multiple of 4
const THREADS = ROW_THREADS * COLUMN_THREADS;
const LEFT_QUADS = ROW_THREADS * ROW_QUADS;           // quads along the rows of the tile, a power of two
const RIGHT_QUADS = COLUMN_THREADS * COLUMN_QUADS;    // and along its columns, a power of two
const TILE_ROWS = 4 * LEFT_QUADS;
const TILE_COLUMNS = 4 * RIGHT_QUADS;

/// Sums of an invocation: [row][quad of columns].
alias Sums = array<array<vec4f, COLUMN_QUADS>, 4 * ROW_QUADS>;

var<workgroup> left_slice: array<vec4f, DEPTH * LEFT_QUADS>;
var<workgroup> right_slice: array<vec4f, DEPTH * RIGHT_QUADS>;

/// Eight invocations that store the same step of their blocks, two quads by four blocks of the depth or one by eight,
/// find eight different slots modulo 8: all the banks there are.
fn slot(k: u32, quad: u32, quads: u32) -> u32 {
  return k * quads + (quad ^ ((k / 4 * 2 + k / 16) % min(8, quads)));
}

fn left_slot(k: u32, quad: u32) -> u32 {
  return slot(k, quad, LEFT_QUADS);
}

fn right_slot(k: u32, quad: u32) -> u32 {
  return slot(k, quad, RIGHT_QUADS);
}

/// Stores a quad of rows at four steps from k on, a step a column of `block`.
fn store_left(k: u32, quad: u32, block: mat4x4f) {
  for (var step = 0u; step < 4; step++) { left_slice[left_slot(k + step, quad)] = block[step]; }
}

fn store_right(k: u32, quad: u32, block: mat4x4f) {
  for (var step = 0u; step < 4; step++) { right_slice[right_slot(k + step, quad)] = block[step]; }
}

/// sums += left slice . right slice of the invocation at (column_thread, row_thread), up to `depth`. Four steps are
/// unrolled; the loop around them is as long as only the caller knows, because some compilers unroll all they can.
fn multiply_slice(sums: ptr<function, Sums>, column_thread: u32, row_thread: u32, depth: u32) {
  for (var first = 0u; first < depth; first += 4) {
    for (var step = 0u; step < 4; step++) {
      let k = first + step;
      var rows: array<vec4f, ROW_QUADS>;
      var columns: array<vec4f, COLUMN_QUADS>;
      for (var q = 0u; q < ROW_QUADS; q++) { rows[q] = left_slice[left_slot(k, q * ROW_THREADS + row_thread)]; }
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        columns[q] = right_slice[right_slot(k, q * COLUMN_THREADS + column_thread)];
      }
      for (var r = 0u; r < 4 * ROW_QUADS; r++) {
        for (var q = 0u; q < COLUMN_QUADS; q++) {
          (*sums)[r][q] = fma(vec4f(rows[r / 4][r % 4]), columns[q], (*sums)[r][q]);
        }
      }
    }
  }
}

/// Where row r of an invocation lies in the tile.
fn tile_row(row_thread: u32, r: u32) -> u32 {
  return 4 * (r / 4 * ROW_THREADS + row_thread) + r % 4;
}
