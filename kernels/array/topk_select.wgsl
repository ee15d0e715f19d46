// The k largest elements of each chunk of a row, as in topk_plain.wgsl, by radix selection:
//   1. the k-th largest key, 8 bits at a time from the top, by histograms of those that agree so far;
//   2. if several have that key and not all belong, the column of the last that does, the same way;
//   3. the k elements are collected in any order, and each is put at the place given by the number before it.
// A row is split evenly into `chunks`; with one, this is all of top-k. With more, a second run with
// INDEXED = true takes the winners of all chunks as its row. That order of candidates keeps equal values
// in the order of their columns, so the answer does not depend on the number of chunks.
// One workgroup a (row, chunk).
//! import lib/index.wgsl
//! import lib/order.wgsl

const WORKGROUP = 256u;   // one invocation a bin of the histogram
const INDEXED = false;
alias Element = f32;

struct Params { rows: u32, columns: u32, chunks: u32, k: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;               // (rows, columns)
@group(0) @binding(1) var<storage, read> columns_of: array<u32>;          // (rows, columns) with INDEXED
@group(0) @binding(2) var<storage, read_write> winners: array<vec2u>;     // (rows, chunks, k): key, column
@group(0) @binding(3) var<storage, read_write> values: array<Element>;    // (rows, chunks, k)
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;       // (rows, chunks, k)

/// What is known of the last of the k: leading digits of its key and, beyond equal keys, of its column.
struct Bound {
  key: u32,
  column: u32,
  wanted: u32,   // how many of those that agree with the digits are among the k
  equal: u32,    // how many agree
}

var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> bound: Bound;
var<workgroup> collected: atomic<u32>;

@compute @workgroup_size(WORKGROUP)
fn top_k(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let chunk = linear_workgroup(workgroup, workgroups);
  if (chunk >= params.rows * params.chunks) { return; }
  let row = chunk / params.chunks * params.columns;
  let part = chunk % params.chunks;
  let length = params.columns / params.chunks;
  let longer = params.columns % params.chunks;   // the first chunks, by one
  let start = row + part * length + min(part, longer);
  let end = start + length + u32(part < longer);
  let k = params.k;

  if (local == 0u) { bound = Bound(0u, 0u, k, end - start); }
  var found = workgroupUniformLoad(&bound);

  // Digits 24, 16, 8, 0 of the key, the largest first.
  for (var shift = 24i; shift >= 0; shift -= 8) {
    atomicStore(&histogram[local], 0u);
    workgroupBarrier();
    for (var i = start + local; i < end; i += WORKGROUP) {
      let key = order_key(f32(x[i]));
      if (agree(key, found.key, shift)) { atomicAdd(&histogram[(key >> u32(shift)) & 255u], 1u); }
    }
    workgroupBarrier();
    if (local == 0u) {
      var digit = 255u;
      var before = 0u;
      var here = atomicLoad(&histogram[digit]);
      while (before + here < found.wanted) {
        before += here;
        digit--;
        here = atomicLoad(&histogram[digit]);
      }
      bound = Bound(found.key | (digit << u32(shift)), 0u, found.wanted - before, here);
    }
    found = workgroupUniformLoad(&bound);
  }

  // Digits of the column, the smallest first, where some of the equal keys must stay out.
  var last_column = 0xffffffffu;
  if (found.equal > found.wanted) {
    for (var shift = 24i; shift >= 0; shift -= 8) {
      atomicStore(&histogram[local], 0u);
      workgroupBarrier();
      for (var i = start + local; i < end; i += WORKGROUP) {
        let column = i - start;
        if (order_key(f32(x[i])) == found.key && agree(column, found.column, shift)) {
          atomicAdd(&histogram[(column >> u32(shift)) & 255u], 1u);
        }
      }
      workgroupBarrier();
      if (local == 0u) {
        var digit = 0u;
        var before = 0u;
        var here = atomicLoad(&histogram[digit]);
        while (before + here < found.wanted) {
          before += here;
          digit++;
          here = atomicLoad(&histogram[digit]);
        }
        bound = Bound(found.key, found.column | (digit << u32(shift)), found.wanted - before, here);
      }
      found = workgroupUniformLoad(&bound);
    }
    last_column = found.column;
  }

  if (local == 0u) { atomicStore(&collected, 0u); }
  workgroupBarrier();
  for (var i = start + local; i < end; i += WORKGROUP) {
    let winner = vec2u(order_key(f32(x[i])), i - start);
    if (winner.x > found.key || (winner.x == found.key && winner.y <= last_column)) {
      winners[chunk * k + atomicAdd(&collected, 1u)] = winner;
    }
  }
  storageBarrier();
  for (var slot = local; slot < k; slot += WORKGROUP) {
    let winner = winners[chunk * k + slot];
    var place = 0u;
    for (var other = 0u; other < k; other++) {
      let rival = winners[chunk * k + other];
      place += u32(rival.x > winner.x || (rival.x == winner.x && rival.y < winner.y));
    }
    let i = start + winner.y;
    values[chunk * k + place] = x[i];
    if (INDEXED) { indices[chunk * k + place] = columns_of[i]; }
    else { indices[chunk * k + place] = i - row; }
  }
}

/// Whether the digits above `shift` are the same.
fn agree(a: u32, b: u32, shift: i32) -> bool {
  return shift == 24 || ((a ^ b) >> u32(shift + 8)) == 0u;
}
