// Alignment of T steps with n states that are passed through in their order: a path begins in state 0, ends in state
// n - 1, and each step stays or goes on by one. With s the scores, the log-likelihood is
//   log sum over all paths of exp(sum over t of s[t, state of t]),
// by the forward variables a of a hidden Markov model (Rabiner 1989), as logarithms:
//   a[t, j] = s[t, j] + log(exp a[t - 1, j] + exp a[t - 1, j - 1])
// With POSTERIOR, out[t, j] is the share of the paths that are in state j at step t, by the backward variables b too:
//   b[t, j] = log(exp(s[t + 1, j] + b[t + 1, j]) + exp(s[t + 1, j + 1] + b[t + 1, j + 1])),   out = exp(a + b) / sum of it
// The largest of each step is taken off, so that long sequences lose no digits. One invocation a batch element.
//! import lib/index.wgsl
//! import lib/log_add.wgsl

const WORKGROUP = 64u;
const POSTERIOR = false;
const HAS_COUNTS = false;
alias Element = f32;

struct Params { batch: u32, steps: u32, states: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> scores: array<Element>;          // (B, T, N)
@group(0) @binding(1) var<storage, read> counts: array<u32>;              // (B): n
@group(0) @binding(2) var<storage, read_write> row: array<f32>;           // (B, N): a or b of one step
@group(0) @binding(3) var<storage, read_write> out: array<f32>;           // POSTERIOR (B, T, N), else (B)

fn score(at: u32) -> f32 { return max(f32(scores[at]), LOG_ZERO); }

@compute @workgroup_size(WORKGROUP)
fn alignment(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (element >= params.batch) { return; }
  let states = params.states;
  let steps = params.steps;
  let start = element * steps * states;
  let first = element * states;
  var count = states;
  if (HAS_COUNTS) { count = min(counts[element], count); }
  if (count == 0u || count > steps) {
    if (POSTERIOR) {
      for (var i = 0u; i < steps * states; i++) { out[start + i] = 0.0; }
    } else {
      out[element] = 0.0;
    }
    return;
  }

  var likelihood = 0.0;
  for (var t = 0u; t < steps; t++) {
    let now = start + t * states;
    var largest = LOG_ZERO;
    for (var k = 0u; k < count; k++) {
      // From the last state on, so that the row can change in place.
      let j = count - 1u - k;
      var before = LOG_ZERO;
      if (t == 0u) {
        before = select(LOG_ZERO, 0.0, j == 0u);
      } else if (j == 0u) {
        before = row[first];
      } else {
        before = log_add(row[first + j], row[first + j - 1u]);
      }
      let forward = score(now + j) + before;
      row[first + j] = forward;
      largest = max(largest, forward);
    }
    likelihood += largest;
    for (var j = 0u; j < count; j++) {
      row[first + j] -= largest;
      if (POSTERIOR) { out[now + j] = row[first + j]; }
    }
  }
  if (!POSTERIOR) {
    out[element] = likelihood + row[first + count - 1u];
    return;
  }

  for (var back = 0u; back < steps; back++) {
    let t = steps - 1u - back;
    let now = start + t * states;
    let next = now + states;
    var largest = LOG_ZERO;
    var largest_path = 2.0 * LOG_ZERO;
    for (var j = 0u; j < count; j++) {
      var backward = LOG_ZERO;
      if (back == 0u) {
        backward = select(LOG_ZERO, 0.0, j + 1u == count);
      } else {
        backward = score(next + j) + row[first + j];
        if (j + 1u < count) { backward = log_add(backward, score(next + j + 1u) + row[first + j + 1u]); }
      }
      row[first + j] = backward;
      largest = max(largest, backward);
      largest_path = max(largest_path, out[now + j] + backward);
    }
    var total = 0.0;
    for (var j = 0u; j < count; j++) {
      let path = exp(out[now + j] + row[first + j] - largest_path);
      out[now + j] = path;
      total += path;
      row[first + j] -= largest;
    }
    for (var j = 0u; j < states; j++) {
      if (j < count) { out[now + j] /= total; } else { out[now + j] = 0.0; }
    }
  }
}
