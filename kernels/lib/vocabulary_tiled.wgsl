// A tile of the product of hidden states and vocabulary matrix, for GPUs: TILE_ROWS rows times TILE_IDS ids by 16 x 16
// invocations, each with ROWS rows, 16 apart, of one quad of ids in registers. Slices of DEPTH of both operands pass
// through workgroup memory, depth-major, four elements a load where d is made of fours (WIDTH). Within a slice id 4 x + c
// of the tile lies at c SIDE + x, so that neighbours, which have neighbouring quads, read neighbouring words.
// The kernel declares ROWS, `weight` and `hidden_at` as lib/vocabulary_choice.wgsl does.
//! import lib/vocabulary.wgsl

const SIDE = 16u;
const TILE_ROWS = SIDE * ROWS;
const TILE_IDS = 4 * SIDE;
const DEPTH = 16u;
const ROW_STRIDE = TILE_ROWS + 1;   // odd, against bank conflicts of transposing writes
const ID_STRIDE = TILE_IDS + 1;

var<workgroup> hidden_slice: array<f32, DEPTH * ROW_STRIDE>;   // [k][row]
var<workgroup> weight_slice: array<f32, DEPTH * ID_STRIDE>;    // [k][c][x]

/// The logits of the rows first_row + id.y + SIDE r, [r], of the quad first_quad + id.x. Those of rows beyond the last
/// are 0, those of ids that the window has not repeat others.
fn tile_product(first_row: u32, rows: u32, first_quad: u32, id: vec2u) -> array<vec4f, ROWS> {
  let local = id.y * SIDE + id.x;
  var sum: array<vec4f, ROWS>;
  for (var first_k = 0u; first_k < params.depth; first_k += DEPTH) {
    load_hidden(first_row, rows, first_k, local);
    load_weight(first_quad, first_k, local);
    workgroupBarrier();
    let depth = min(DEPTH, params.depth - first_k);
    for (var k = 0u; k < depth; k++) {
      let at = k * ID_STRIDE + id.x;
      let ids = vec4f(
        weight_slice[at], weight_slice[at + SIDE], weight_slice[at + 2 * SIDE], weight_slice[at + 3 * SIDE],
      );
      for (var r = 0u; r < ROWS; r++) {
        sum[r] = fma(vec4f(hidden_slice[k * ROW_STRIDE + id.y + r * SIDE]), ids, sum[r]);
      }
    }
    workgroupBarrier();
  }
  return sum;
}

fn load_hidden(first_row: u32, rows: u32, first_k: u32, local: u32) {
  for (var i = local; i < TILE_ROWS * DEPTH / WIDTH; i += SIDE * SIDE) {
    let row = i * WIDTH / DEPTH;
    let k = i * WIDTH % DEPTH;
    var values = vec4f();
    if (first_row + row < rows && first_k + k < params.depth) {
      values = hidden_at(((first_row + row) * params.depth + first_k + k) / WIDTH);
    }
    for (var w = 0u; w < WIDTH; w++) { hidden_slice[(k + w) * ROW_STRIDE + row] = values[w]; }
  }
}

fn load_weight(first_quad: u32, first_k: u32, local: u32) {
  for (var i = local; i < TILE_IDS * DEPTH / WIDTH; i += SIDE * SIDE) {
    let id = i * WIDTH / DEPTH;
    let k = i * WIDTH % DEPTH;
    var values = vec4f();
    if (first_k + k < params.depth) {
      let at = weight_row(4 * first_quad + id) * params.depth + first_k + k;
      values = vec4f(vec4<Element>(weight[at / WIDTH]));
    }
    for (var w = 0u; w < WIDTH; w++) { weight_slice[(k + w) * ID_STRIDE + id % 4 * SIDE + id / 4] = values[w]; }
  }
}
