// A linear layer with a quantised weight (lib/quantized.wgsl) for a few rows, with bias and activation, for GPUs:
//   out[m, n] = activate(sum_k a[m, k] w[n, k] + bias[n])
// What counts is to stream the weight: invocations that lie side by side load words that do. A workgroup computes four
// columns of all rows, ROWS = M; along the depth its invocations take turns, a word of each column at a time, and at the
// end they join their sums in workgroup memory.
//! import lib/activation.wgsl
//! import lib/index.wgsl
//! import lib/joined_sums.wgsl
//! import lib/left_blocks.wgsl
//! import lib/quantized.wgsl

const HAS_BIAS = false;
alias Result = f32;

struct Params { m: u32, n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<Packed>;            // (M, K)
@group(0) @binding(1) var<storage, read> values: array<u32>;          // (N, words)
@group(0) @binding(2) var<storage, read> scales: array<Scale>;        // (N, groups)
@group(0) @binding(3) var<storage, read> bias: array<Element>;        // (N), with HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<Result>;    // (M, N)

@compute @workgroup_size(LANES, DEPTH_LANES)
fn quantized_linear_vector(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let first_column = 4 * linear_workgroup(workgroup, workgroups);
  if (first_column >= params.n) { return; }
  // Columns beyond the last repeat it; they are not stored.
  let columns = min(first_column + vec4u(0, 1, 2, 3), vec4u(params.n - 1));

  var sums: Sums;
  for (var w = id.y; w < row_words(); w += DEPTH_LANES) {
    let first = w * PER_WORD;
    let at = columns * row_words() + w;
    let words = vec4u(values[at.x], values[at.y], values[at.z], values[at.w]);
    let group = group_of(first);
    let steps = vec4f(
      group_step(columns.x, group), group_step(columns.y, group),
      group_step(columns.z, group), group_step(columns.w, group),
    );
    for (var i = 0u; i < PER_WORD; i += 4) {
      let block = mat4x4f(
        whole_numbers(words, vec4u(i)), whole_numbers(words, vec4u(i + 1)),
        whole_numbers(words, vec4u(i + 2)), whole_numbers(words, vec4u(i + 3)),
      );
      for (var r = 0u; r < ROWS; r++) { sums[r] = fma(block * a_quad(0, r, first + i), steps, sums[r]); }
    }
  }

  sums = joined(sums, id.x, id.y);
  if (id.y > 0) { return; }
  for (var r = 0u; r < ROWS; r++) {
    for (var c = 0u; c < 4; c++) {
      let column = first_column + c;
      if (column < params.n) {
        var value = sums[r][c];
        if (HAS_BIAS) { value += f32(bias[column]); }
        out[r * params.n + column] = Result(activate(value));
      }
    }
  }
}
