// The vocabulary matrix (V, d) in windows: a launch sees the rows of `ids` ids from first_id on, because one binding may
// not hold them all. Ids go by quads, 4 q .. 4 q + 3, of which a window may begin and end in the middle.
// Rows of hidden states times ids make tiles. A workgroup takes one tile's rows and goes through quads_each quads of the
// window, tile by tile; it leaves what it found of each row among the row's `parts`, those of this window from
// first_part on. The kernel declares params with first_id, ids, quads_each.

const WIDTH = 1u;         // elements in a Packed: 1, or 4 where d is made of fours and the kernel is tiled
alias Element = f32;
alias Packed = Element;   // Element or vec4<Element>

struct Span {
  first_row: u32,
  begin: u32,       // first of its quads
  end: u32,         // where they end; not beyond begin where there is nothing to do
  split: u32,       // which of the window's workgroups with these rows it is
}

/// What a workgroup has to do, of `rows` rows in tiles of `tile_rows`.
fn span_of(index: u32, rows: u32, tile_rows: u32) -> Span {
  let row_tiles = (rows + tile_rows - 1) / tile_rows;
  let split = index / row_tiles;
  let begin = params.first_id / 4 + split * params.quads_each;
  let end = min(begin + params.quads_each, (params.first_id + params.ids + 3) / 4);
  return Span(index % row_tiles * tile_rows, begin, end, split);
}

/// Which of a quad's ids the window has.
fn present(quad: u32) -> vec4<bool> {
  // Ids before the window wrap around.
  return 4 * quad + vec4u(0, 1, 2, 3) - params.first_id < vec4u(params.ids);
}

/// The row of the window for an id; for one that the window has not, its first or last.
fn weight_row(id: u32) -> u32 {
  return clamp(id, params.first_id, params.first_id + params.ids - 1) - params.first_id;
}
