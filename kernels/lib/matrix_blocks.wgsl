// Loads of the matrix kernels for GPUs: blocks of four steps of the depth by four rows of a or columns of b, 0 beyond
// the edges. The kernel declares `params` with m, n and k, and the bindings `a` and `b` of Packed, which is a vec4 where
// the contiguous axes of both are made of fours.
//! import lib/left_blocks.wgsl

const TRANSPOSE_B = false;    // b is (N, K)

fn load_b(i: u32) -> vec4f {
  return vec4f(vec4<Element>(b[i]));
}

/// Four neighbours on a line of the matrix that begins at element `start` of b: a step of the depth, or with
/// TRANSPOSE_B a column.
fn b_quad(start: u32, line: u32, first: u32) -> vec4f {
  let size = select(vec2u(params.n, params.k), vec2u(params.k, params.n), TRANSPOSE_B);
  let neighbours = first + vec4u(0, 1, 2, 3);
  let inside = (neighbours < vec4u(size.x)) & vec4(line < size.y);
  let at = select(vec4u(), start + line * size.x + neighbours, inside) / WIDTH;
  if (WIDTH == 4) { return select(vec4f(), load_b(at.x), inside); }
  return select(vec4f(), vec4f(load_b(at.x).x, load_b(at.y).x, load_b(at.z).x, load_b(at.w).x), inside);
}

/// Four columns of b at four steps from k on, a step a column.
fn b_block(start: u32, column: u32, k: u32) -> mat4x4f {
  let at = select(vec2u(k, column), vec2u(column, k), TRANSPOSE_B);
  let lines = mat4x4f(
    b_quad(start, at.x, at.y), b_quad(start, at.x + 1, at.y),
    b_quad(start, at.x + 2, at.y), b_quad(start, at.x + 3, at.y),
  );
  if (TRANSPOSE_B) { return transpose(lines); }
  return lines;
}
