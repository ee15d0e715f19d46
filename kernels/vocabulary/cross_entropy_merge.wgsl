// Second half of the cross-entropy of hidden states and vocabulary matrix: puts the parts of each row together,
//   logsumexp = m + log s,   loss = logsumexp - l_t
// The loss is 0 where the target is to be ignored or is no id. One workgroup a row.
//! import lib/index.wgsl
//! import lib/token_loss.wgsl

const WORKGROUP = 64u;
const HAS_IGNORED = false;

struct Params {
  rows: u32,       // R
  parts: u32,
  columns: u32,    // V
  ignored: u32,    // with HAS_IGNORED
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<Loss>;             // (R, parts)
@group(0) @binding(1) var<storage, read> targets: array<u32>;               // (R)
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;            // (R)
@group(0) @binding(3) var<storage, read_write> log_sum_exp: array<f32>;     // (R)

var<workgroup> losses: array<Loss, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn cross_entropy(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let row = linear_workgroup(workgroup, workgroups);
  if (row >= params.rows) { return; }
  var all = no_loss();
  for (var part = local; part < params.parts; part += WORKGROUP) {
    all = joined(all, partials[row * params.parts + part]);
  }
  losses[local] = all;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var other = 1u; other < WORKGROUP; other++) { all = joined(all, losses[other]); }

  let log_sum = log(all.exponentials.y);
  log_sum_exp[row] = all.exponentials.x + log_sum;
  let id = targets[row];
  let counts = id < params.columns && !(HAS_IGNORED && id == params.ignored);
  // The largest logit may be far above the sum, and is often the target's: their difference first.
  loss[row] = select(0.0, all.exponentials.x - all.target_logit + log_sum, counts);
}
