// Cumulative sum along the middle axis:   out[o, k, i] = sum over j <= k of x[o, j, i]   (REVERSE: over j >= k)
// One invocation a part of `length` elements of a column. With HAS_SUMS it goes on from what is before its part. It adds
// up in blocks, so that the rounding error grows with the block and with their number, not with n.
//! import lib/index.wgsl

const WORKGROUP = 64u;
const BLOCK = 1024u;
const REVERSE = false;
const HAS_SUMS = false;
alias Element = f32;
alias Out = f32;

struct Params { count: u32, n: u32, inner: u32, length: u32, parts: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;       // (outer, n, inner)
@group(0) @binding(1) var<storage, read> sums: array<f32>;        // (outer, parts, inner): cumulative sums of the parts
@group(0) @binding(2) var<storage, read_write> out: array<Out>;   // (outer, n, inner), `count` parts of columns

@compute @workgroup_size(WORKGROUP)
fn cumsum(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.count) { return; }
  let inner = params.inner;
  let column = i % inner;
  let part = i / inner % params.parts;
  let start = i / (inner * params.parts) * params.n * inner + column;
  let begin = part * params.length;
  let end = min(begin + params.length, params.n);

  var before = 0.0;
  if (HAS_SUMS) {
    if (REVERSE) {
      if (part + 1 < params.parts) { before = sums[i + inner]; }
    } else if (part > 0) {
      before = sums[i - inner];
    }
  }
  for (var block = 0u; block < end - begin; block += BLOCK) {
    var sum = 0.0;
    for (var j = block; j < min(block + BLOCK, end - begin); j++) {
      let at = start + select(begin + j, end - 1 - j, REVERSE) * inner;
      sum += f32(x[at]);
      out[at] = Out(before + sum);
    }
    before += sum;
  }
}
