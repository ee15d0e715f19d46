// The second of two kernels for the softmax of few, long rows: joins the statistics of a row's parts (softmax_parts.wgsl)
// and writes the softmax of one part, or its logarithm. One workgroup a part.
//! import lib/index.wgsl
//! import lib/exponential_sum.wgsl
//! import lib/workgroup_merge.wgsl

const WORKGROUP = 256u;
const LOG = false;
alias Element = f32;

struct Params { count: u32, columns: u32, length: u32, parts: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;            // (rows, columns)
@group(0) @binding(1) var<storage, read> statistics: array<vec2f>;     // (rows, parts), `count` in all
@group(0) @binding(2) var<storage, read_write> out: array<Element>;    // (rows, columns)

fn merge(a: vec2f, b: vec2f) -> vec2f { return join_exponentials(a, b); }

@compute @workgroup_size(WORKGROUP)
fn softmax_join(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_workgroup(workgroup, workgroups);
  if (index >= params.count) { return; }
  let part = index % params.parts;
  let row = index / params.parts;

  var pair = NO_EXPONENTIALS;
  for (var p = local; p < params.parts; p += WORKGROUP) { pair = merge(pair, statistics[row * params.parts + p]); }
  pair = workgroup_merge(pair, local, params.parts);

  let start = row * params.columns;
  let end = start + min((part + 1) * params.length, params.columns);
  for (var i = start + part * params.length + local; i < end; i += WORKGROUP) {
    let shifted = f32(x[i]) - pair.x;
    out[i] = Element(select(exp(shifted) / pair.y, shifted - log(pair.y), LOG));
  }
}
