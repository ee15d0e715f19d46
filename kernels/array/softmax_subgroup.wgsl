// Softmax over the last axis, or its logarithm, as in softmax_plain.wgsl, for software drivers: one workgroup of one
// subgroup a row, four columns a load, so that a row stays in the cache of a core until it is read again. The maximum is
// looked at once for four loads: an exponential of each element, and one more for four of them, is all that the sum
// takes. Should a device make it several subgroups, each computes the sum for itself and they share the writing.
enable subgroups;
//! import lib/index.wgsl

const WORKGROUP = 8u;   // the largest subgroup size
const BLOCK = 128u;     // turns of a lane, four vectors each, whose sum is added to those before
const LOG = false;
const LOWEST = -3.4028234e38;
alias Element = f32;

struct Params { rows: u32, columns: u32 }   // columns is of vectors
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<Element>>;           // (rows, columns)
@group(0) @binding(1) var<storage, read_write> out: array<vec4<Element>>;   // (rows, columns)

/// For each of the four places of a vector: the largest element, and the sum of exponentials relative to it.
struct Sums {
  maxima: vec4f,
  sums: vec4f,
}

fn added(to: Sums, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> Sums {
  let maxima = max(max(max(a, b), max(c, d)), to.maxima);
  let four = (exp(a - maxima) + exp(b - maxima)) + (exp(c - maxima) + exp(d - maxima));
  return Sums(maxima, to.sums * exp(to.maxima - maxima) + four);
}

@compute @workgroup_size(WORKGROUP)
fn softmax(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let end = start + params.columns;
  let fours_end = start + params.columns / (4 * lanes) * 4 * lanes;

  var all = Sums(vec4f(LOWEST), vec4f());
  for (var block = start + lane; block < fours_end; block += BLOCK * 4 * lanes) {
    var part = Sums(all.maxima, vec4f());
    for (var i = block; i < min(block + BLOCK * 4 * lanes, fours_end); i += 4 * lanes) {
      part = added(part, vec4f(x[i]), vec4f(x[i + lanes]), vec4f(x[i + 2 * lanes]), vec4f(x[i + 3 * lanes]));
    }
    all = Sums(part.maxima, all.sums * exp(all.maxima - part.maxima) + part.sums);
  }
  for (var i = fours_end + lane; i < end; i += lanes) {
    let v = vec4f(x[i]);
    let maxima = max(v, all.maxima);
    all = Sums(maxima, all.sums * exp(all.maxima - maxima) + exp(v - maxima));
  }
  let m = all.maxima;
  let maximum = subgroupMax(max(max(m.x, m.y), max(m.z, m.w)));
  let sum = subgroupAdd(dot(all.sums, exp(m - maximum)));

  let factor = 1.0 / sum;
  let offset = maximum + log(sum);
  for (var i = start + local; i < end; i += WORKGROUP) {
    let v = vec4f(x[i]);
    out[i] = vec4<Element>(select(exp(v - maximum) * factor, v - offset, LOG));
  }
}
