// Matrix product of each batch i, with bias and activation, on tensor cores:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// A workgroup computes a tile of 2 x 2 blocks, a subgroup each; a block is 4 x 4 subgroup matrices of sums, which are
// named one by one because an array of them would not stay in registers. Slices of both operands pass through workgroup
// memory as they lie in storage (a transposed operand is read as such), zeros where they have none; while one slice is
// multiplied, the next is on its way. Where both operands' contiguous axes are made of fours, four elements a load
// (WIDTH). Subgroups beyond the fourth, on devices whose subgroups may come smaller, only load and store.
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
//! import lib/activation.wgsl
//! import lib/index.wgsl

const MATRIX_M = 16u;         // the shape that the device multiplies
const MATRIX_N = 16u;
const MATRIX_K = 16u;
const WORKGROUP = 128u;       // four times the largest subgroup size
const HAS_BIAS = false;
const TRANSPOSE_A = false;    // a is (K, M)
const TRANSPOSE_B = false;    // b is (N, K)
const WIDTH = 1u;             // elements in a Packed: 1 or 4
alias Element = f16;
alias Packed = Element;       // Element or vec4<Element>
alias Result = f32;

const BLOCK_M = 4 * MATRIX_M;
const BLOCK_N = 4 * MATRIX_N;
const TILE_M = 2 * BLOCK_M;
const TILE_N = 2 * BLOCK_N;
const DEPTH = 2 * MATRIX_K;
// Slices in workgroup memory: lines of contiguous elements, padded against bank conflicts.
const A_LINES = select(TILE_M, DEPTH, TRANSPOSE_A);
const A_LINE = select(DEPTH, TILE_M, TRANSPOSE_A);
const A_STRIDE = A_LINE + 8;
const A_LOADS = (TILE_M * DEPTH / WIDTH + WORKGROUP - 1) / WORKGROUP;
const B_LINES = select(DEPTH, TILE_N, TRANSPOSE_B);
const B_LINE = select(TILE_N, DEPTH, TRANSPOSE_B);
const B_STRIDE = B_LINE + 8;
const B_LOADS = (TILE_N * DEPTH / WIDTH + WORKGROUP - 1) / WORKGROUP;
const MATRIX_SIZE = MATRIX_M * MATRIX_N;

alias Left = subgroup_matrix_left<Element, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<Element, MATRIX_N, MATRIX_K>;
alias Sum = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  a_batch: u32, b_batch: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (B or 1, M, K) or (B or 1, K, M)
@group(0) @binding(1) var<storage, read> b: array<Packed>;            // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, M, N)

var<workgroup> a_slice: array<Element, A_LINES * A_STRIDE>;
var<workgroup> b_slice: array<Element, B_LINES * B_STRIDE>;
var<workgroup> sums: array<f32, 4 * MATRIX_SIZE>;   // one matrix of each subgroup, on its way out

/// Where a tile lies in the product.
struct Tile {
  batch: u32,
  row: u32,
  column: u32,
}

alias ALoads = array<Packed, A_LOADS>;
alias BLoads = array<Packed, B_LOADS>;

fn load_a(tile: Tile, first_k: u32, local: u32) -> ALoads {
  var loads: ALoads;
  for (var i = 0u; i < A_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    let line = element / A_LINE + select(tile.row, first_k, TRANSPOSE_A);
    let column = element % A_LINE + select(first_k, tile.row, TRANSPOSE_A);
    let lines = select(params.m, params.k, TRANSPOSE_A);
    let columns = select(params.k, params.m, TRANSPOSE_A);
    if (line < lines && column < columns) {
      loads[i] = a[(tile.batch * params.a_batch + line * columns + column) / WIDTH];
    }
  }
  return loads;
}

fn load_b(tile: Tile, first_k: u32, local: u32) -> BLoads {
  var loads: BLoads;
  for (var i = 0u; i < B_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    let line = element / B_LINE + select(first_k, tile.column, TRANSPOSE_B);
    let column = element % B_LINE + select(tile.column, first_k, TRANSPOSE_B);
    let lines = select(params.k, params.n, TRANSPOSE_B);
    let columns = select(params.n, params.k, TRANSPOSE_B);
    if (line < lines && column < columns) {
      loads[i] = b[(tile.batch * params.b_batch + line * columns + column) / WIDTH];
    }
  }
  return loads;
}

fn store_slices(a_loads: ALoads, b_loads: BLoads, local: u32) {
  for (var i = 0u; i < A_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    if (element < TILE_M * DEPTH) {
      let at = element / A_LINE * A_STRIDE + element % A_LINE;
      for (var w = 0u; w < WIDTH; w++) { a_slice[at + w] = vec4<Element>(a_loads[i])[w]; }
    }
  }
  for (var i = 0u; i < B_LOADS; i++) {
    let element = (i * WORKGROUP + local) * WIDTH;
    if (element < TILE_N * DEPTH) {
      let at = element / B_LINE * B_STRIDE + element % B_LINE;
      for (var w = 0u; w < WIDTH; w++) { b_slice[at + w] = vec4<Element>(b_loads[i])[w]; }
    }
  }
}

/// The matrix of a that begins at a row and a depth of the slice.
fn left(row: u32, k: u32) -> Left {
  if (TRANSPOSE_A) { return subgroupMatrixLoad<Left, col_major>(&a_slice, k * A_STRIDE + row, A_STRIDE); }
  return subgroupMatrixLoad<Left, row_major>(&a_slice, row * A_STRIDE + k, A_STRIDE);
}

/// The matrix of b that begins at a depth and a column of the slice.
fn right(k: u32, column: u32) -> Right {
  if (TRANSPOSE_B) { return subgroupMatrixLoad<Right, col_major>(&b_slice, column * B_STRIDE + k, B_STRIDE); }
  return subgroupMatrixLoad<Right, row_major>(&b_slice, k * B_STRIDE + column, B_STRIDE);
}

fn times(x: Left, y: Right, sum: Sum) -> Sum {
  return subgroupMatrixMultiplyAccumulate(x, y, sum);
}

/// Hands a matrix of sums to workgroup memory: only there it has elements.
fn put(sum: Sum, subgroup: u32) {
  subgroupMatrixStore<row_major>(&sums, subgroup * MATRIX_SIZE, sum, MATRIX_N);
}

/// Stores the matrices at (i, j) of the four blocks.
fn store_sums(i: u32, j: u32, tile: Tile, local: u32) {
  for (var e = local; e < 4 * MATRIX_SIZE; e += WORKGROUP) {
    let block = e / MATRIX_SIZE;
    let row = tile.row + block / 2 * BLOCK_M + i * MATRIX_M + e % MATRIX_SIZE / MATRIX_N;
    let column = tile.column + block % 2 * BLOCK_N + j * MATRIX_N + e % MATRIX_N;
    if (row < params.m && column < params.n) {
      var value = sums[e];
      if (HAS_BIAS) { value += f32(bias[column]); }
      out[(tile.batch * params.m + row) * params.n + column] = Result(activate(value));
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn matmul_matrix(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let row_tiles = (params.m + TILE_M - 1) / TILE_M;
  let column_tiles = (params.n + TILE_N - 1) / TILE_N;
  let index = linear_workgroup(workgroup, workgroups);
  let tile = Tile(
    index / (row_tiles * column_tiles),
    index / column_tiles % row_tiles * TILE_M,
    index % column_tiles * TILE_N,
  );
  if (tile.batch >= params.batches) { return; }
  let row = subgroup / 2 * BLOCK_M;
  let column = subgroup % 2 * BLOCK_N;

  var sum00 = Sum(); var sum01 = Sum(); var sum02 = Sum(); var sum03 = Sum();
  var sum10 = Sum(); var sum11 = Sum(); var sum12 = Sum(); var sum13 = Sum();
  var sum20 = Sum(); var sum21 = Sum(); var sum22 = Sum(); var sum23 = Sum();
  var sum30 = Sum(); var sum31 = Sum(); var sum32 = Sum(); var sum33 = Sum();
  // Each round loads a slice and multiplies the one before: the first has nothing to multiply, the last loads zeros.
  for (var k = 0u; k < params.k + DEPTH; k += DEPTH) {
    let a_loads = load_a(tile, k, local);
    let b_loads = load_b(tile, k, local);
    if (k > 0 && subgroup < 4) {
      for (var step = 0u; step < DEPTH; step += MATRIX_K) {
        let a0 = left(row, step);
        let a1 = left(row + MATRIX_M, step);
        let a2 = left(row + 2 * MATRIX_M, step);
        let a3 = left(row + 3 * MATRIX_M, step);
        let b0 = right(step, column);
        sum00 = times(a0, b0, sum00); sum10 = times(a1, b0, sum10);
        sum20 = times(a2, b0, sum20); sum30 = times(a3, b0, sum30);
        let b1 = right(step, column + MATRIX_N);
        sum01 = times(a0, b1, sum01); sum11 = times(a1, b1, sum11);
        sum21 = times(a2, b1, sum21); sum31 = times(a3, b1, sum31);
        let b2 = right(step, column + 2 * MATRIX_N);
        sum02 = times(a0, b2, sum02); sum12 = times(a1, b2, sum12);
        sum22 = times(a2, b2, sum22); sum32 = times(a3, b2, sum32);
        let b3 = right(step, column + 3 * MATRIX_N);
        sum03 = times(a0, b3, sum03); sum13 = times(a1, b3, sum13);
        sum23 = times(a2, b3, sum23); sum33 = times(a3, b3, sum33);
      }
    }
    workgroupBarrier();
    store_slices(a_loads, b_loads, local);
    workgroupBarrier();
  }

  for (var s = 0u; s < 16; s++) {
    if (subgroup < 4) {
      switch s {
        case 0u: { put(sum00, subgroup); }
        case 1u: { put(sum01, subgroup); }
        case 2u: { put(sum02, subgroup); }
        case 3u: { put(sum03, subgroup); }
        case 4u: { put(sum10, subgroup); }
        case 5u: { put(sum11, subgroup); }
        case 6u: { put(sum12, subgroup); }
        case 7u: { put(sum13, subgroup); }
        case 8u: { put(sum20, subgroup); }
        case 9u: { put(sum21, subgroup); }
        case 10u: { put(sum22, subgroup); }
        case 11u: { put(sum23, subgroup); }
        case 12u: { put(sum30, subgroup); }
        case 13u: { put(sum31, subgroup); }
        case 14u: { put(sum32, subgroup); }
        default: { put(sum33, subgroup); }
      }
    }
    workgroupBarrier();
    store_sums(s / 4, s % 4, tile, local);
    workgroupBarrier();
  }
}
