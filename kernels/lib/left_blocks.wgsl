// Loads of the matrix kernels for GPUs: blocks of four steps of the depth by four rows of a, 0 beyond the edges.
// The kernel declares `params` with m and k, and the binding `a` of Packed.

const TRANSPOSE_A = false;    // a is (K, M)
const WIDTH = 1u;             // elements in a Packed: 1, or 4 where the contiguous axis is made of fours
alias Element = f32;
alias Packed = Element;       // Element or vec4<Element>

fn load_a(i: u32) -> vec4f {
  return vec4f(vec4<Element>(a[i]));
}

/// Four neighbours on a line of the matrix that begins at element `start` of a: a row, or with TRANSPOSE_A a step of
/// the depth.
fn a_quad(start: u32, line: u32, first: u32) -> vec4f {
  let size = select(vec2u(params.k, params.m), vec2u(params.m, params.k), TRANSPOSE_A);
  let neighbours = first + vec4u(0, 1, 2, 3);
  let inside = (neighbours < vec4u(size.x)) & vec4(line < size.y);
  let at = select(vec4u(), start + line * size.x + neighbours, inside) / WIDTH;
  if (WIDTH == 4) { return select(vec4f(), load_a(at.x), inside); }
  return select(vec4f(), vec4f(load_a(at.x).x, load_a(at.y).x, load_a(at.z).x, load_a(at.w).x), inside);
}

/// Four rows of a at four steps from k on, a step a column.
fn a_block(start: u32, row: u32, k: u32) -> mat4x4f {
  let at = select(vec2u(row, k), vec2u(k, row), TRANSPOSE_A);
  let lines = mat4x4f(
    a_quad(start, at.x, at.y), a_quad(start, at.x + 1, at.y),
    a_quad(start, at.x + 2, at.y), a_quad(start, at.x + 3, at.y),
  );
  if (TRANSPOSE_A) { return lines; }
  return transpose(lines);
}
