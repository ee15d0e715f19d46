// Matrix product of each batch i for a few rows of a, with bias and activation, for GPUs:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// Every element of b serves only M sums, so what counts is to stream b: invocations that lie side by side load what
// lies side by side, each blocks of four columns by four steps of the depth (lib/matrix_blocks.wgsl). A workgroup
// computes 4 LANES columns of all rows, ROWS = M; along the depth its invocations take turns, and at the end they join
// their sums in workgroup memory. With TRANSPOSE_B the depth is contiguous, so that LANES is 1.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/joined_sums.wgsl
//! import lib/matrix_blocks.wgsl

const HAS_BIAS = false;
alias Result = f32;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  a_batch: u32, b_batch: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (B or 1, M, K)
@group(0) @binding(1) var<storage, read> b: array<Packed>;            // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, M, N)

@compute @workgroup_size(LANES, DEPTH_LANES)
fn matmul_vector(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let column_tiles = (params.n + 4 * LANES - 1) / (4 * LANES);
  let index = linear_workgroup(workgroup, workgroups);
  let batch = index / column_tiles;
  if (batch >= params.batches) { return; }
  let first_column = 4 * (index % column_tiles * LANES + id.x);

  var sums: Sums;
  for (var k = 4 * id.y; k < params.k; k += 4 * DEPTH_LANES) {
    let block = b_block(batch * params.b_batch, first_column, k);
    for (var r = 0u; r < ROWS; r++) { sums[r] += block * a_quad(batch * params.a_batch, r, k); }
  }

  sums = joined(sums, id.x, id.y);
  if (id.y > 0) { return; }
  for (var r = 0u; r < ROWS; r++) {
    for (var c = 0u; c < 4; c++) {
      let column = first_column + c;
      if (column < params.n) {
        var value = sums[r][c];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[(batch * params.m + r) * params.n + column] = Result(activate(value));
      }
    }
  }
}
