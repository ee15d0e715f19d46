// Gradient of attention by keys and values, as gradient_key_value_plain.wgsl states it, for GPUs. A workgroup of SIDE x SIDE
// invocations takes SIDE keys. For each tile of SIDE queries of each head that shares the keys, invocation (x, y) computes
// p and z of query x and key y, and passes them on through workgroup memory; then it adds to its vectors of the sums of
// key y. Rows are read from the cache.
//! import lib/attention_pair.wgsl
//! import lib/index.wgsl

const SIDE = 16u;
const SLICES = (VECTORS + SIDE - 1) / SIDE;     // vectors of a sum that an invocation has

@group(0) @binding(6) var<storage, read_write> key_gradient: array<vec4<Element>>;     // (B, Hkv, Lk, D / 4)
@group(0) @binding(7) var<storage, read_write> value_gradient: array<vec4<Element>>;   // (B, Hkv, Lk, D / 4)

var<workgroup> tile: array<vec2f, SIDE * SIDE>;   // p and z: [key][query]

@compute @workgroup_size(SIDE, SIDE)
fn attention_gradient_key_value_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let tiles = (params.key_length + SIDE - 1) / SIDE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.key_heads;
  if (batch >= params.batches) { return; }
  // Keys beyond the last repeat it and are not stored.
  let first = index % tiles * SIDE;
  let j = min(first + id.y, params.key_length - 1);
  let last_query = params.query_length - 1;
  let shared_by = params.heads / params.key_heads;

  var of_key: array<vec4f, SLICES>;     // sum_i z_ij q_i, of vectors id.x, id.x + SIDE, …
  var of_value: array<vec4f, SLICES>;   // sum_i p_ij g_i, likewise
  var key_blocks: array<vec4f, SLICES>;     // of the queries before, with LONG
  var value_blocks: array<vec4f, SLICES>;
  let first_head = batch_head % params.key_heads * shared_by;
  for (var head = first_head; head < first_head + shared_by; head++) {
    let first_row = (batch * params.heads + head) * params.query_length;
    let begin = query_begin(first);
    for (var start = begin; start < params.query_length; start += SIDE) {
      if (LONG && (start - begin) % BLOCK == 0) {
        for (var s = 0u; s < SLICES; s++) {
          key_blocks[s] += of_key[s];
          value_blocks[s] += of_value[s];
          of_key[s] = vec4f();
          of_value[s] = vec4f();
        }
      }
      let pair = attention_pair(batch, head, min(start + id.x, last_query), j);
      workgroupBarrier();
      tile[id.y * SIDE + id.x] = pair;
      workgroupBarrier();
      let queries = min(SIDE, params.query_length - start);
      for (var n = 0u; n < queries; n++) {
        let row = (first_row + start + n) * WIDTH;
        let pz = tile[id.y * SIDE + n];
        for (var s = 0u; s < SLICES; s++) {
          let x = min(id.x + s * SIDE, VECTORS - 1);
          of_key[s] += pz.y * rows[row + x];
          of_value[s] += pz.x * rows[row + VECTORS + x];
        }
      }
    }
  }
  for (var s = 0u; s < SLICES; s++) {
    if (LONG) {
      of_key[s] += key_blocks[s];
      of_value[s] += value_blocks[s];
    }
    let x = id.x + s * SIDE;
    if (first + id.y < params.key_length && x < VECTORS) {
      let at = (batch_head * params.key_length + j) * VECTORS + x;
      key_gradient[at] = vec4<Element>(of_key[s] * params.scale);
      value_gradient[at] = vec4<Element>(of_value[s]);
    }
  }
}
