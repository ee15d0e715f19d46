// What the kernels of the cross-entropy of hidden states and vocabulary matrix do with a tile's logits.
// The kernel declares what lib/vocabulary.wgsl wants.
//! import lib/token_loss.wgsl
//! import lib/vocabulary.wgsl

/// The loss of a row with the logits of a quad seen too.
fn with_quad(loss: Loss, logits: vec4f, quad: u32, target_id: u32) -> Loss {
  let here = present(quad);
  let l = select(vec4f(NO_EXPONENTIALS.x), logits, here);
  let before = loss.exponentials;
  let m = max(before.x, max(max(l.x, l.y), max(l.z, l.w)));
  let s = before.y * exp(before.x - m) + dot(exp(l - m), vec4f(1.0));
  let is_target = here & (4 * quad + vec4u(0, 1, 2, 3) == vec4u(target_id));
  return Loss(vec2f(m, s), loss.target_logit + dot(select(vec4f(), logits, is_target), vec4f(1.0)));
}
