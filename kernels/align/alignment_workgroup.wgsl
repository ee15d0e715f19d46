// Alignment of T steps with n states in their order, as in alignment_plain.wgsl, with the states of a step shared out: each
// invocation owns every WORKGROUP-th state. Rows of two steps take turns in workgroup memory. One workgroup a batch element.
//! import lib/index.wgsl
//! import lib/log_add.wgsl

const WORKGROUP = 64u;
const CAPACITY = 64u;      // at least N
const POSTERIOR = false;
const HAS_COUNTS = false;
alias Element = f32;

struct Params { batch: u32, steps: u32, states: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> scores: array<Element>;          // (B, T, N)
@group(0) @binding(1) var<storage, read> counts: array<u32>;              // (B): n
@group(0) @binding(2) var<storage, read_write> out: array<f32>;           // POSTERIOR (B, T, N), else (B)

var<workgroup> rows: array<array<f32, CAPACITY>, 2>;
var<workgroup> paths: array<f32, CAPACITY>;

fn score(at: u32) -> f32 { return max(f32(scores[at]), LOG_ZERO); }

/// The largest of the first `count`: every invocation reads them all, which are few.
fn largest_of(row: u32, count: u32) -> f32 {
  var largest = LOG_ZERO;
  for (var j = 0u; j < count; j++) { largest = max(largest, rows[row][j]); }
  return largest;
}

@compute @workgroup_size(WORKGROUP)
fn alignment(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linear_workgroup(workgroup, workgroups);
  if (element >= params.batch) { return; }
  let states = params.states;
  let steps = params.steps;
  let start = element * steps * states;
  var count = states;
  if (HAS_COUNTS) { count = min(counts[element], count); }
  if (count == 0u || count > steps) {
    if (POSTERIOR) {
      for (var i = local; i < steps * states; i += WORKGROUP) { out[start + i] = 0.0; }
    } else if (local == 0u) {
      out[element] = 0.0;
    }
    return;
  }

  // What is taken off a row is known when all of it is there: it is done when the next step reads it.
  var likelihood = 0.0;
  var largest = 0.0;
  for (var t = 0u; t < steps; t++) {
    let now = start + t * states;
    let before = 1u - t % 2u;
    for (var j = local; j < count; j += WORKGROUP) {
      var path = LOG_ZERO;
      if (t == 0u) {
        path = select(LOG_ZERO, 0.0, j == 0u);
      } else if (j == 0u) {
        path = rows[before][0] - largest;
      } else {
        path = log_add(rows[before][j], rows[before][j - 1u]) - largest;
      }
      rows[t % 2u][j] = score(now + j) + path;
    }
    workgroupBarrier();
    largest = largest_of(t % 2u, count);
    likelihood += largest;
    if (POSTERIOR) {
      for (var j = local; j < count; j += WORKGROUP) { out[now + j] = rows[t % 2u][j] - largest; }
    }
  }
  if (!POSTERIOR) {
    if (local == 0u) { out[element] = likelihood + rows[(steps - 1u) % 2u][count - 1u] - largest; }
    return;
  }
  workgroupBarrier();

  largest = 0.0;
  for (var back = 0u; back < steps; back++) {
    let now = start + (steps - 1u - back) * states;
    let next = now + states;
    let after = 1u - back % 2u;
    for (var j = local; j < count; j += WORKGROUP) {
      var path = LOG_ZERO;
      if (back == 0u) {
        path = select(LOG_ZERO, 0.0, j + 1u == count);
      } else {
        path = score(next + j) + rows[after][j];
        if (j + 1u < count) { path = log_add(path, score(next + j + 1u) + rows[after][j + 1u]); }
        path -= largest;
      }
      rows[back % 2u][j] = path;
      // Each invocation wrote this itself.
      paths[j] = out[now + j] + path;
    }
    workgroupBarrier();
    largest = largest_of(back % 2u, count);
    var largest_path = 2.0 * LOG_ZERO;
    for (var j = 0u; j < count; j++) { largest_path = max(largest_path, paths[j]); }
    var total = 0.0;
    for (var j = 0u; j < count; j++) { total += exp(paths[j] - largest_path); }
    for (var j = local; j < states; j += WORKGROUP) {
      var share = 0.0;
      if (j < count) { share = exp(paths[j] - largest_path) / total; }
      out[now + j] = share;
    }
    workgroupBarrier();
  }
}
