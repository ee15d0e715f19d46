// Transposition of a batch of matrices, which may be parts of larger ones:
//   out[b, c, r] = x[offset + b x_batch + r x_row + c]
// A workgroup moves a tile of TILE x TILE through workgroup memory, so that both its reads and its writes run along
// memory; an invocation moves TILE / ROWS elements of it.
//! import lib/index.wgsl

const TILE = 32u;
const ROWS = 8u;
alias Element = u32;

struct Params { rows: u32, columns: u32, batches: u32, offset: u32, x_batch: u32, x_row: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (batches, columns, rows)

var<workgroup> tile: array<array<Element, TILE + 1>, TILE>;   // one column more, against bank conflicts

@compute @workgroup_size(TILE, ROWS)
fn transpose(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let across = (params.columns + TILE - 1) / TILE;
  let down = (params.rows + TILE - 1) / TILE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch = index / (across * down);
  let row = index / across % down * TILE;
  let column = index % across * TILE;
  let inside = batch < params.batches;

  for (var r = local.y; r < TILE; r += ROWS) {
    if (inside && row + r < params.rows && column + local.x < params.columns) {
      tile[r][local.x] = x[params.offset + batch * params.x_batch + (row + r) * params.x_row + column + local.x];
    }
  }
  workgroupBarrier();
  for (var c = local.y; c < TILE; c += ROWS) {
    if (inside && column + c < params.columns && row + local.x < params.rows) {
      out[(batch * params.columns + column + c) * params.rows + row + local.x] = tile[local.x][c];
    }
  }
}
