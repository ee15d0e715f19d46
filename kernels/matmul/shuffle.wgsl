// Matrix product of each batch i, with bias and activation, for software drivers:
//   out[i, m, n] = activate(sum_k a[i, m, k] b[i, k, n] + bias[n])
// There a storage load costs as much as a gather and a barrier far more, while arithmetic in registers is nearly free.
// So a workgroup computes ROWS rows of out, each lane 4 QUADS columns of them in registers. For each chunk of the
// depth, lane l loads a[row, k + l] of every row, and subgroupShuffle hands them round; b comes straight from storage.
// Two steps of the depth go together, because a sum that lives across a loop costs a load and a masked store there.
// Every subgroup of the workgroup works on the same rows with its own copy of the chunk, and the chunk is as long as
// the subgroup has lanes: so the result does not depend on the subgroup size.
//
// The operands are addressed by strides, as in plain.wgsl. For a narrow out the operation exchanges their roles and
// computes the transposed product: so out and bias have strides too.
enable subgroups;
//! import lib/activation.wgsl
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size of the device
const ROWS = 16u;
const QUADS = 2u;
const COLUMNS = 4 * QUADS * WORKGROUP;
const HAS_BIAS = false;
const LONG = false;   // the sums are long: add them up in blocks of BLOCK steps
const BLOCK = 1024u;
alias Element = f32;
alias Result = f32;

struct Params {
  batches: u32, m: u32, n: u32, k: u32,
  a_batch: u32, a_row: u32, a_depth: u32,
  b_batch: u32, b_depth: u32, b_column: u32,
  out_row: u32, out_column: u32,
  bias_row: u32, bias_column: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Element>;           // (B or 1, M, K) or (B or 1, K, M)
@group(0) @binding(1) var<storage, read> b: array<Element>;           // (B or 1, K, N) or (B or 1, N, K)
@group(0) @binding(2) var<storage, read> bias: array<Element>;        // (N) or (M), with HAS_BIAS
@group(0) @binding(3) var<storage, read_write> out: array<Result>;    // (B, M, N) or (B, N, M)

fn load_b(at: vec4u) -> vec4f {
  return vec4f(f32(b[at.x]), f32(b[at.y]), f32(b[at.z]), f32(b[at.w]));
}

@compute @workgroup_size(WORKGROUP)
fn matmul_shuffle(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row_tiles = (params.m + ROWS - 1) / ROWS;
  let column_tiles = (params.n + COLUMNS - 1) / COLUMNS;
  let tile = linear_workgroup(workgroup, workgroups);
  let batch = tile / (row_tiles * column_tiles);
  if (batch >= params.batches) { return; }
  let first_row = tile % row_tiles * ROWS;
  let first_column = tile / row_tiles % column_tiles * COLUMNS + local;

  // Rows and columns beyond the edge repeat the last one; they are not stored.
  var a_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    a_start[r] = batch * params.a_batch + min(first_row + r, params.m - 1) * params.a_row;
  }
  var b_start: array<vec4u, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let columns = first_column + (4 * q + vec4u(0, 1, 2, 3)) * WORKGROUP;
    b_start[q] = batch * params.b_batch + min(columns, vec4u(params.n - 1)) * params.b_column;
  }

  var sum: array<array<vec4f, QUADS>, ROWS>;
  var blocks: array<array<vec4f, QUADS>, ROWS>;   // of the steps before, with LONG
  for (var k = 0u; k < params.k; k += lanes) {
    if (LONG && k % BLOCK == 0) {
      for (var r = 0u; r < ROWS; r++) {
        for (var q = 0u; q < QUADS; q++) {
          blocks[r][q] += sum[r][q];
          sum[r][q] = vec4f();
        }
      }
    }
    // Beyond the depth the chunk is 0.
    let a_offset = min(k + lane, params.k - 1) * params.a_depth;
    var a_chunk: array<f32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      a_chunk[r] = select(0.0, f32(a[a_start[r] + a_offset]), k + lane < params.k);
    }
    let steps = min(lanes, params.k - k);
    for (var j = 0u; j < steps; j += 2) {
      let offset = (k + j) * params.b_depth;
      let next_offset = min(k + j + 1, params.k - 1) * params.b_depth;
      var b_row: array<vec4f, QUADS>;
      var next_b_row: array<vec4f, QUADS>;
      for (var q = 0u; q < QUADS; q++) {
        b_row[q] = load_b(b_start[q] + offset);
        next_b_row[q] = load_b(b_start[q] + next_offset);
      }
      for (var r = 0u; r < ROWS; r++) {
        let value = vec4f(subgroupShuffle(a_chunk[r], j));
        let next_value = vec4f(subgroupShuffle(a_chunk[r], j + 1));
        for (var q = 0u; q < QUADS; q++) {
          sum[r][q] = fma(next_value, next_b_row[q], fma(value, b_row[q], sum[r][q]));
        }
      }
    }
  }

  let out_start = batch * params.m * params.n;
  for (var r = 0u; r < ROWS; r++) {
    let row = first_row + r;
    for (var c = 0u; c < 4 * QUADS; c++) {
      let column = first_column + c * WORKGROUP;
      if (row < params.m && column < params.n) {
        var value = sum[r][c / 4][c % 4];
        if (LONG) { value += blocks[r][c / 4][c % 4]; }
        if (HAS_BIAS) { value += f32(bias[row * params.bias_row + column * params.bias_column]); }
        out[out_start + row * params.out_row + column * params.out_column] = Result(activate(value));
      }
    }
  }
}
