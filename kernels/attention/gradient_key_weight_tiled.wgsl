// Gradient of attention by the weights of the keys, as gradient_key_weight_plain.wgsl states it, for GPUs. A workgroup of
// SIDE x SIDE invocations takes SIDE keys: invocation (x, y) adds up what queries x, x + SIDE, … of all heads give for key y,
// and the sums of a key are joined in workgroup memory. Rows are read from the cache.
//! import lib/attention_pair.wgsl
//! import lib/index.wgsl

const SIDE = 16u;

@group(0) @binding(6) var<storage, read_write> out: array<KeyWeight>;      // (B, Lk)

var<workgroup> sums: array<f32, SIDE * SIDE>;   // [key][query]

@compute @workgroup_size(SIDE, SIDE)
fn attention_gradient_key_weight_tiled(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let tiles = (params.key_length + SIDE - 1) / SIDE;
  let index = linear_workgroup(workgroup, workgroups);
  let batch = index / tiles;
  if (batch >= params.batches) { return; }
  // Keys beyond the last repeat it and are not stored.
  let first = index % tiles * SIDE;
  let j = min(first + id.y, params.key_length - 1);
  let begin = query_begin(first);

  var sum = 0.0;
  var blocks = 0.0;   // of the queries before, with LONG
  for (var head = 0u; head < params.heads; head++) {
    for (var start = begin; start < params.query_length; start += SIDE) {
      if (LONG && (start - begin) % BLOCK == 0) {
        blocks += sum;
        sum = 0.0;
      }
      if (start + id.x < params.query_length) { sum += attention_pair(batch, head, start + id.x, j).y; }
    }
  }
  sums[id.y * SIDE + id.x] = sum + blocks;
  workgroupBarrier();
  if (id.x > 0 || first + id.y >= params.key_length) { return; }
  var total = 0.0;
  for (var x = 0u; x < SIDE; x++) { total += sums[id.y * SIDE + x]; }
  out[batch * params.key_length + j] = KeyWeight(total);
}
