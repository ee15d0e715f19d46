// What the kernels of the cross-entropy of hidden states and vocabulary matrix take, and what they do with a tile's
// logits.
//! import lib/token_loss.wgsl
//! import lib/vocabulary.wgsl

struct Params {
  rows: u32,          // R
  depth: u32,         // d
  first_id: u32,      // of the window
  ids: u32,           // in the window
  quads_each: u32,
  parts: u32,
  first_part: u32,
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> hidden: array<Packed>;         // (R, d / WIDTH)
@group(0) @binding(1) var<storage, read> weight: array<Packed>;         // (ids, d / WIDTH)
@group(0) @binding(2) var<storage, read> targets: array<u32>;           // (R)
@group(0) @binding(3) var<storage, read_write> partials: array<Loss>;   // (R, parts)

/// Packed i of the hidden states, in the first WIDTH components.
fn hidden_at(i: u32) -> vec4f {
  return vec4f(vec4<Element>(hidden[i]));
}

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
