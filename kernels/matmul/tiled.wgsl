// Matrix product of each batch i, with bias and activation, for GPUs:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// A workgroup of 16 x 16 invocations computes a tile of TILE x TILE outputs, each invocation 4 x 4 of them in
// registers, 16 apart, so that neighbours read neighbouring words. Slices of DEPTH of both operands pass through
// workgroup memory, depth-major; where the contiguous axes of both are made of fours, four elements a load (WIDTH).
//! import lib/activation.wgsl
//! import lib/index.wgsl

const SIDE = 16u;             // invocations along a side of the tile
const TILE = 64u;             // outputs along a side of the tile
const DEPTH = 16u;
const STRIDE = TILE + 1;      // odd, against bank conflicts of transposing writes
const HAS_BIAS = false;
const TRANSPOSE_A = false;    // a is (K, M)
const TRANSPOSE_B = false;    // b is (N, K)
const WIDTH = 1u;             // elements in a Packed: 1 or 4
alias Element = f32;
alias Packed = Element;       // Element or vec4<Element>
alias Result = f32;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  a_batch: u32, b_batch: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (B or 1, M, K) or (B or 1, K, M)
@group(0) @binding(1) var<storage, read> b: array<Packed>;            // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, M, N)

var<workgroup> a_tile: array<f32, DEPTH * STRIDE>;   // [k][m]
var<workgroup> b_tile: array<f32, DEPTH * STRIDE>;   // [k][n]

/// Where an invocation's i-th load of a slice lies: x along the tile's side, y along the depth.
fn slice_position(i: u32, depth_is_contiguous: bool) -> vec2u {
  let element = i * WIDTH;
  if (depth_is_contiguous) { return vec2u(element / DEPTH, element % DEPTH); }
  return vec2u(element % TILE, element / TILE);
}

fn load_a(batch: u32, first_row: u32, first_k: u32, local: u32) {
  for (var i = local; i < TILE * DEPTH / WIDTH; i += SIDE * SIDE) {
    let at = slice_position(i, !TRANSPOSE_A);
    let row = first_row + at.x;
    let k = first_k + at.y;
    var values = vec4f();
    if (row < params.m && k < params.k) {
      let index = batch * params.a_batch + select(row * params.k + k, k * params.m + row, TRANSPOSE_A);
      values = vec4f(vec4<Element>(a[index / WIDTH]));
    }
    for (var w = 0u; w < WIDTH; w++) {
      a_tile[select((at.y + w) * STRIDE + at.x, at.y * STRIDE + at.x + w, TRANSPOSE_A)] = values[w];
    }
  }
}

fn load_b(batch: u32, first_column: u32, first_k: u32, local: u32) {
  for (var i = local; i < TILE * DEPTH / WIDTH; i += SIDE * SIDE) {
    let at = slice_position(i, TRANSPOSE_B);
    let column = first_column + at.x;
    let k = first_k + at.y;
    var values = vec4f();
    if (column < params.n && k < params.k) {
      let index = batch * params.b_batch + select(k * params.n + column, column * params.k + k, TRANSPOSE_B);
      values = vec4f(vec4<Element>(b[index / WIDTH]));
    }
    for (var w = 0u; w < WIDTH; w++) {
      b_tile[select(at.y * STRIDE + at.x + w, (at.y + w) * STRIDE + at.x, TRANSPOSE_B)] = values[w];
    }
  }
}

@compute @workgroup_size(SIDE, SIDE)
fn matmul_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row_tiles = (params.m + TILE - 1) / TILE;
  let column_tiles = (params.n + TILE - 1) / TILE;
  let tile = linear_workgroup(workgroup, workgroups);
  let batch = tile / (row_tiles * column_tiles);
  if (batch >= params.batches) { return; }
  let first_row = tile / column_tiles % row_tiles * TILE;
  let first_column = tile % column_tiles * TILE;

  var sum: array<vec4f, 4>;   // [row], a component a column
  for (var first_k = 0u; first_k < params.k; first_k += DEPTH) {
    load_a(batch, first_row, first_k, local);
    load_b(batch, first_column, first_k, local);
    workgroupBarrier();
    let depth = min(DEPTH, params.k - first_k);
    for (var k = 0u; k < depth; k++) {
      let at = k * STRIDE + id.x;
      let b_row = vec4f(b_tile[at], b_tile[at + SIDE], b_tile[at + 2 * SIDE], b_tile[at + 3 * SIDE]);
      for (var r = 0u; r < 4; r++) { sum[r] = fma(vec4f(a_tile[k * STRIDE + id.y + r * SIDE]), b_row, sum[r]); }
    }
    workgroupBarrier();
  }

  for (var r = 0u; r < 4; r++) {
    let row = first_row + id.y + r * SIDE;
    for (var c = 0u; c < 4; c++) {
      let column = first_column + id.x + c * SIDE;
      if (row < params.m && column < params.n) {
        var value = sum[r][c];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[((batch * params.m + row) * params.n) + column] = Result(activate(value));
      }
    }
  }
}
