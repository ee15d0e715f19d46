// The first of two kernels for the softmax of few, long rows: of each part of `length` columns the maximum and the sum
// of exponentials relative to it
//   statistics[r, p] = (m, sum over c in part p of exp(x[r, c] - m))        m = max over c in part p of x[r, c]
// One workgroup a part.
//! import lib/index.wgsl
//! import lib/exponential_sum.wgsl
//! import lib/workgroup_merge.wgsl

const WORKGROUP = 256u;
alias Element = f32;

struct Params { count: u32, columns: u32, length: u32, parts: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;                // (rows, columns)
@group(0) @binding(1) var<storage, read_write> statistics: array<vec2f>;   // (rows, parts), `count` in all

fn merge(a: vec2f, b: vec2f) -> vec2f { return join_exponentials(a, b); }

@compute @workgroup_size(WORKGROUP)
fn softmax_parts(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_workgroup(workgroup, workgroups);
  if (index >= params.count) { return; }
  let part = index % params.parts;
  let start = index / params.parts * params.columns;
  let end = start + min((part + 1) * params.length, params.columns);

  var pair = NO_EXPONENTIALS;
  for (var i = start + part * params.length + local; i < end; i += WORKGROUP) {
    pair = add_exponential(pair, f32(x[i]));
  }
  pair = workgroup_merge(pair, local, params.length);
  if (local == 0) { statistics[index] = pair; }
}
