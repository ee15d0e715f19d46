// Loads of the matrix kernels for GPUs: blocks of four steps of the depth by four rows of a or columns of b, 0 beyond
// the edges. The kernel declares `params` with m, n, k, a_batch and b_batch, and the bindings `a` and `b` of Packed.

const TRANSPOSE_A = false;    // a is (K, M)
const TRANSPOSE_B = false;    // b is (N, K)
const WIDTH = 1u;             // elements in a Packed: 1, or 4 where the contiguous axes of both are made of fours
alias Element = f32;
alias Packed = Element;       // Element or vec4<Element>

fn load_a(i: u32) -> vec4f {
  return vec4f(vec4<Element>(a[i]));
}

fn load_b(i: u32) -> vec4f {
  return vec4f(vec4<Element>(b[i]));
}

/// Four neighbours on a line of a: a row, or with TRANSPOSE_A a step of the depth.
fn a_quad(batch: u32, line: u32, first: u32) -> vec4f {
  let size = select(vec2u(params.k, params.m), vec2u(params.m, params.k), TRANSPOSE_A);
  let neighbours = first + vec4u(0, 1, 2, 3);
  let inside = (neighbours < vec4u(size.x)) & vec4(line < size.y);
  let at = select(vec4u(), batch * params.a_batch + line * size.x + neighbours, inside) / WIDTH;
  if (WIDTH == 4) { return select(vec4f(), load_a(at.x), inside); }
  return select(vec4f(), vec4f(load_a(at.x).x, load_a(at.y).x, load_a(at.z).x, load_a(at.w).x), inside);
}

/// Four neighbours on a line of b: a step of the depth, or with TRANSPOSE_B a column.
fn b_quad(batch: u32, line: u32, first: u32) -> vec4f {
  let size = select(vec2u(params.n, params.k), vec2u(params.k, params.n), TRANSPOSE_B);
  let neighbours = first + vec4u(0, 1, 2, 3);
  let inside = (neighbours < vec4u(size.x)) & vec4(line < size.y);
  let at = select(vec4u(), batch * params.b_batch + line * size.x + neighbours, inside) / WIDTH;
  if (WIDTH == 4) { return select(vec4f(), load_b(at.x), inside); }
  return select(vec4f(), vec4f(load_b(at.x).x, load_b(at.y).x, load_b(at.z).x, load_b(at.w).x), inside);
}

/// Four rows of a at four steps from k on, a step a column.
fn a_block(batch: u32, row: u32, k: u32) -> mat4x4f {
  let at = select(vec2u(row, k), vec2u(k, row), TRANSPOSE_A);
  let lines = mat4x4f(
    a_quad(batch, at.x, at.y), a_quad(batch, at.x + 1, at.y),
    a_quad(batch, at.x + 2, at.y), a_quad(batch, at.x + 3, at.y),
  );
  if (TRANSPOSE_A) { return lines; }
  return transpose(lines);
}

/// Four columns of b at four steps from k on, a step a column.
fn b_block(batch: u32, column: u32, k: u32) -> mat4x4f {
  let at = select(vec2u(k, column), vec2u(column, k), TRANSPOSE_B);
  let lines = mat4x4f(
    b_quad(batch, at.x, at.y), b_quad(batch, at.x + 1, at.y),
    b_quad(batch, at.x + 2, at.y), b_quad(batch, at.x + 3, at.y),
  );
  if (TRANSPOSE_B) { return transpose(lines); }
  return lines;
}
