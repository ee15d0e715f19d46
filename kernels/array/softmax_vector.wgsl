// Softmax over the last axis, or its logarithm, as in softmax_plain.wgsl, four columns at a time: one invocation a row.
// It reads the row twice: the maximum and the sum are found together, the sum rescaled whenever the maximum grows, for
// each of the four lanes of a vector by itself.
//! import lib/index.wgsl

const WORKGROUP = 16u;
const BLOCK = 512u;   // vectors that are added up by themselves
const LOG = false;
alias Element = f32;

struct Params { rows: u32, columns: u32 }   // columns is of vectors
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;           // (rows, columns)
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Element>>;   // (rows, columns)

@compute @workgroup_size(WORKGROUP)
fn softmax(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;

  var maxima = vec4f(x[start]);
  var sums = vec4f();
  for (var block = start; block < end; block += BLOCK) {
    let before = maxima;
    var part = vec4f();
    for (var i = block; i < min(block + BLOCK, end); i++) {
      let v = vec4f(x[i]);
      let larger = max(maxima, v);
      part = part * exp(maxima - larger) + exp(v - larger);
      maxima = larger;
    }
    sums = sums * exp(before - maxima) + part;
  }
  let maximum = max(max(maxima.x, maxima.y), max(maxima.z, maxima.w));
  let sum = dot(sums, exp(maxima - maximum));

  let factor = 1.0 / sum;
  let offset = maximum + log(sum);
  for (var i = start; i < end; i++) {
    let v = vec4f(x[i]);
    out[i] = vec4<Element>(select(exp(v - maximum) * factor, v - offset, LOG));
  }
}
