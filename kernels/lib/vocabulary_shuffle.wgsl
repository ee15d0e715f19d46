// A tile of the product of hidden states and vocabulary matrix, for software drivers: ROWS rows times 4 QUADS WORKGROUP
// ids, each lane QUADS quads of them in registers. Why it is fast there: matmul/shuffle.wgsl.
// The kernel declares WORKGROUP, ROWS, QUADS, and `weight` and `hidden_at` as lib/vocabulary_choice.wgsl does.
enable subgroups;
//! import lib/vocabulary.wgsl

/// The logits of rows from first_row on, [row][q], of the quads first_quad + q WORKGROUP + local. Rows beyond the last,
/// and ids that the window has not, repeat others. `lane` is the invocation's number in its subgroup of `lanes`.
fn tile_product(
  first_row: u32, rows: u32, first_quad: u32, local: u32, lane: u32, lanes: u32,
) -> array<array<vec4f, QUADS>, ROWS> {
  let depth = params.depth;
  var hidden_start: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { hidden_start[r] = min(first_row + r, rows - 1) * depth; }
  var weight_start: array<vec4u, QUADS>;
  for (var q = 0u; q < QUADS; q++) {
    let id = 4 * (first_quad + q * WORKGROUP + local);
    weight_start[q] = vec4u(weight_row(id), weight_row(id + 1), weight_row(id + 2), weight_row(id + 3)) * depth;
  }

  var sum: array<array<vec4f, QUADS>, ROWS>;
  for (var k = 0u; k < depth; k += lanes) {
    // Beyond the depth the chunk is 0.
    let offset = min(k + lane, depth - 1);
    var chunk: array<f32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      chunk[r] = select(0.0, hidden_at(hidden_start[r] + offset).x, k + lane < depth);
    }
    let steps = min(lanes, depth - k);
    for (var j = 0u; j < steps; j += 2) {
      var now: array<vec4f, QUADS>;
      var next: array<vec4f, QUADS>;
      for (var q = 0u; q < QUADS; q++) {
        now[q] = weight_at(weight_start[q] + k + j);
        next[q] = weight_at(weight_start[q] + min(k + j + 1, depth - 1));
      }
      for (var r = 0u; r < ROWS; r++) {
        let value = vec4f(subgroupShuffle(chunk[r], j));
        let next_value = vec4f(subgroupShuffle(chunk[r], j + 1));
        for (var q = 0u; q < QUADS; q++) {
          sum[r][q] = fma(next_value, next[q], fma(value, now[q], sum[r][q]));
        }
      }
    }
  }
  return sum;
}

fn weight_at(at: vec4u) -> vec4f {
  return vec4f(f32(weight[at.x]), f32(weight[at.y]), f32(weight[at.z]), f32(weight[at.w]));
}
