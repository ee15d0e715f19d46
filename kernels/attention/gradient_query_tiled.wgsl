// Gradient of attention by the queries, as gradient_query_plain.wgsl states it, for GPUs. A workgroup of SIDE x SIDE
// invocations takes SIDE queries. For each tile of SIDE keys invocation (x, y) computes z of key x and query y, and passes
// it on through workgroup memory; then it adds to its vectors of the sum of query y. Rows are read from the cache.
//! import lib/attention_pair.wgsl
//! import lib/index.wgsl

const SIDE = 16u;
const SLICES = (VECTORS + SIDE - 1) / SIDE;     // vectors of a sum that an invocation has

@group(0) @binding(6) var<storage, read_write> out: array<vec4<Element>>;      // (B, H, Lq, D / 4)

var<workgroup> tile: array<f32, SIDE * SIDE>;   // z: [query][key]

@compute @workgroup_size(SIDE, SIDE)
fn attention_gradient_query_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let tiles = (params.query_length + SIDE - 1) / SIDE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.heads;
  let head = batch_head % params.heads;
  if (batch >= params.batches) { return; }
  // Queries beyond the last repeat it and are not stored.
  let first = index % tiles * SIDE;
  let i = min(first + id.y, params.query_length - 1);
  let first_key = (batch * params.key_heads + head / (params.heads / params.key_heads)) * params.key_length;
  let last_key = params.key_length - 1;

  var sums: array<vec4f, SLICES>;     // sum_j z_ij k_j, of vectors id.x, id.x + SIDE, …
  var blocks: array<vec4f, SLICES>;   // of the keys before, with LONG
  let end = key_end(batch, params.query_offset + min(first + SIDE, params.query_length) - 1);
  for (var start = 0u; start < end; start += SIDE) {
    if (LONG && start % BLOCK == 0) {
      for (var s = 0u; s < SLICES; s++) {
        blocks[s] += sums[s];
        sums[s] = vec4f();
      }
    }
    let z = attention_pair(batch, head, i, min(start + id.x, last_key)).y;
    workgroupBarrier();
    tile[id.y * SIDE + id.x] = z;
    workgroupBarrier();
    let keys = min(SIDE, params.key_length - start);
    for (var n = 0u; n < keys; n++) {
      let at = (first_key + start + n) * VECTORS;
      for (var s = 0u; s < SLICES; s++) {
        sums[s] += tile[id.y * SIDE + n] * vec4f(key[at + min(id.x + s * SIDE, VECTORS - 1)]);
      }
    }
  }
  for (var s = 0u; s < SLICES; s++) {
    if (LONG) { sums[s] += blocks[s]; }
    let x = id.x + s * SIDE;
    if (first + id.y < params.query_length && x < VECTORS) {
      out[(batch_head * params.query_length + i) * VECTORS + x] = vec4<Element>(sums[s] * params.scale);
    }
  }
}
