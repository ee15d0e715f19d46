// First half of the cross-entropy of hidden states h and vocabulary matrix W against targets t, without their logits in
// memory: what lib/token_loss.wgsl keeps of
//   l_v = h . W_v
// One invocation a row, for all ids of the window. The second half is cross_entropy_merge.wgsl.
//! import lib/index.wgsl
//! import lib/vocabulary_loss.wgsl
//! import lib/vocabulary_plain.wgsl

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn linear_cross_entropy(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let span = span_of(linear_workgroup(workgroup, workgroups), params.rows, WORKGROUP);
  let row = span.first_row + local;
  if (row >= params.rows) { return; }

  var loss = no_loss();
  for (var quad = span.begin; quad < span.end; quad++) {
    loss = with_quad(loss, logits_of(row, quad), quad, targets[row]);
  }
  partials[row * params.parts + params.first_part + span.split] = loss;
}
