// A row of CHUNKS LANES vectors that LANES lanes of a subgroup hold together, for the attention kernels of software drivers.
// The kernel declares CHUNKS.
//! import lib/attention_lanes.wgsl

var<private> row: array<vec4f, CHUNKS>;   // this lane's part of it

/// Vector i of the row.
fn row_vector(i: u32) -> vec4f {
  return subgroupShuffle(row[i / LANES], i % LANES);
}
