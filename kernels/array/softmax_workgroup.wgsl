// Softmax over the last axis, or its logarithm, as in softmax_plain.wgsl: one workgroup a row, whose invocations take
// neighbouring columns. The row is read twice: maximum and sum are found together.
//! import lib/index.wgsl
//! import lib/exponential_sum.wgsl
//! import lib/workgroup_merge.wgsl

const WORKGROUP = 256u;
const BLOCK = 256u;   // elements of an invocation that are added up by themselves
const LOG = false;
alias Element = f32;

struct Params { rows: u32, columns: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Element>;           // (rows, columns)
@group(0) @binding(1) var<storage, read_write> out: array<Element>;   // (rows, columns)

fn merge(a: vec2f, b: vec2f) -> vec2f { return join_exponentials(a, b); }

@compute @workgroup_size(WORKGROUP)
fn softmax(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var pair = NO_EXPONENTIALS;
  for (var block = start + local; block < end; block += BLOCK * WORKGROUP) {
    var part = NO_EXPONENTIALS;
    for (var i = block; i < min(block + BLOCK * WORKGROUP, end); i += WORKGROUP) {
      part = add_exponential(part, f32(x[i]));
    }
    pair = merge(pair, part);
  }
  pair = workgroup_merge(pair, local, params.columns);

  for (var i = start + local; i < end; i += WORKGROUP) {
    let shifted = f32(x[i]) - pair.x;
    out[i] = Element(select(exp(shifted) / pair.y, shifted - log(pair.y), LOG));
  }
}
