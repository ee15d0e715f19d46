// Matrix product of each batch i, with bias and activation, on tensor cores:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// A workgroup computes a tile (lib/matrix_tile.wgsl). Slices of both operands pass through workgroup memory as they lie
// in storage (a transposed operand is read as such), zeros where they have none; while one slice is multiplied, the next
// is on its way. Where both operands' contiguous axes are made of fours, four elements a load (WIDTH).
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/matrix_tile.wgsl

const HAS_BIAS = false;
const TRANSPOSE_A = false;    // a is (K, M)
const TRANSPOSE_B = false;    // b is (N, K)
const WIDTH = 1u;             // elements in a Packed: 1 or 4
alias Packed = Element;       // Element or vec4<Element>
alias Result = f32;

// Slices in workgroup memory: lines of contiguous elements, padded against bank conflicts.
const A_LINES = select(TILE_M, DEPTH, TRANSPOSE_A);
const A_LINE = select(DEPTH, TILE_M, TRANSPOSE_A);
const A_STRIDE = A_LINE + 8;
const A_LOADS = (TILE_M * DEPTH / WIDTH + WORKGROUP - 1) / WORKGROUP;
const B_LINES = select(DEPTH, TILE_N, TRANSPOSE_B);
const B_LINE = select(TILE_N, DEPTH, TRANSPOSE_B);
const B_STRIDE = B_LINE + 8;
const B_LOADS = (TILE_N * DEPTH / WIDTH + WORKGROUP - 1) / WORKGROUP;

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

/// Stores the sum at a row and a column of a tile.
fn store_sum(sum: f32, tile_row: u32, tile_column: u32, tile: Tile) {
  let row = tile.row + tile_row;
  let column = tile.column + tile_column;
  if (row >= params.m || column >= params.n) { return; }
  var value = sum;
  if (HAS_BIAS) { value += f32(bias[column]); }
  out[(tile.batch * params.m + row) * params.n + column] = Result(activate(value));
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

  var block = Sums();
  // Each round loads a slice and multiplies the one before: the first has nothing to multiply, the last loads zeros.
  for (var k = 0u; k < params.k + DEPTH; k += DEPTH) {
    let a_loads = load_a(tile, k, local);
    let b_loads = load_b(tile, k, local);
    if (k > 0 && subgroup < SUBGROUPS) {
      for (var step = 0u; step < DEPTH; step += MATRIX_K) { multiply_step(&block, subgroup, step); }
    }
    workgroupBarrier();
    store_slices(a_loads, b_loads, local);
    workgroupBarrier();
  }
  store_blocks(&block, subgroup, tile, local);
}
