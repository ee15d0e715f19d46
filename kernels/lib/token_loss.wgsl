// What a row's cross-entropy is made of, over any part of its logits l:
// m = max_v l_v, s = sum_v exp(l_v - m), and l_t of the target t.
//! import lib/exponential_sum.wgsl

struct Loss {
  exponentials: vec2f,   // (m, s)
  target_logit: f32,     // 0 where the part is without the target
}

fn no_loss() -> Loss {
  return Loss(NO_EXPONENTIALS, 0.0);
}

/// The loss of two parts of the vocabulary together.
fn joined(a: Loss, b: Loss) -> Loss {
  return Loss(join_exponentials(a.exponentials, b.exponentials), a.target_logit + b.target_logit);
}
