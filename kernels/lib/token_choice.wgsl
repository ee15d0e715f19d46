// One position's choice of a token, from a single pass over its logits l, in any number of parts:
//   candidate   argmax_v  l_v - T log(-log u_v), the lowest id of equal ones: a draw from softmax(l / T)
//               (Gumbel-max), the same as LLaDA's argmax exp(l) / (-log u)^T but stable in f32
//   confidence  of the candidate x, with p = softmax(l) (LLaDA, LaViDa, Dimple):
//               probability p_x | margin p_1 - p_2 of the two most probable | entropy sum_v p_v log p_v
// T log(-log u) is added with TEMPERED only.
//! import lib/decoding.wgsl
//! import lib/gumbel.wgsl
//! import lib/philox.wgsl

const TEMPERED = false;
const CONFIDENCE = 0u;   // 0 probability, 1 margin, 2 entropy, 3 random

/// Stand-ins for -infinity, far below every logit, that no fast mathematics can misread: a logit that the
/// model gave as -infinity or NaN, and an id that is not allowed. The second is below the first, so that a
/// banned id is never chosen, and both have the probability 0 beside any real logit.
const IMPOSSIBLE = -1e30;
const BANNED = -2e30;
const NO_TOKEN = 0xffffffffu;

/// The confidence where there is none: the lowest f32.
const UNSCORED = -0x1.fffffep127;

struct Choice {
  id: u32,          // of the largest perturbed logit; NO_TOKEN while there is none
  perturbed: f32,   // that logit
  logit: f32,       // and without the Gumbel number
  largest: f32,     // largest logit
  second: f32,      // second largest
  sum: f32,         // sum of exp(l - largest)
  weighted: f32,    // sum of exp(l - largest) (l - largest)
}

/// A position of the sequences and what its random numbers are drawn from.
struct Place {
  role: u32,
  token: u32,
  temperature: f32,
  counter: vec3u,   // position, batch, step + 1: the last is never 0, as it is in `Random`
  seed: vec2u,
}

fn no_choice() -> Choice {
  return Choice(NO_TOKEN, BANNED, BANNED, BANNED, BANNED, 0.0, 0.0);
}

/// Logits as the model gave them, with infinities and NaN replaced.
fn usable(logits: vec4f) -> vec4f {
  let nan = (bitcast<vec4u>(logits) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return select(clamp(logits, vec4f(IMPOSSIBLE), vec4f(-IMPOSSIBLE)), vec4f(IMPOSSIBLE), nan);
}

/// Classifier-free guidance as in LLaDA: unconditional + (scale + 1) (conditional - unconditional).
fn guided(conditional: vec4f, unconditional: vec4f, scale: f32) -> vec4f {
  return unconditional + (scale + 1.0) * (conditional - unconditional);
}

/// What the candidate is the argmax of, for the ids 4 quad .. 4 quad + 3. For a position that has a token,
/// nothing but that token can win.
fn perturbed(logits: vec4f, quad: u32, place: Place) -> vec4f {
  if (RESCORE && place.role == SCORE) {
    return select(vec4f(BANNED), logits, vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u) == vec4u(place.token));
  }
  if (!TEMPERED) { return logits; }
  return logits + place.temperature * gumbel(open_uniform(philox(vec4u(quad, place.counter), place.seed)));
}

/// The choice with the ids first .. first + 3 seen too; ids must come in ascending order. The branches are
/// seldom taken: a largest number so far is rare.
fn with_tokens(before: Choice, first: u32, logits: vec4f, perturbed: vec4f) -> Choice {
  var choice = before;
  if (maximum(perturbed) > choice.perturbed) {
    for (var i = 0u; i < 4u; i++) {
      if (perturbed[i] > choice.perturbed) {
        choice.perturbed = perturbed[i];
        choice.id = first + i;
        choice.logit = logits[i];
      }
    }
  }
  if (CONFIDENCE == 3u && !RESCORE) { return choice; }
  if (CONFIDENCE == 1u) {
    var top = choice.largest;
    for (var i = 0u; i < 4u; i++) {
      choice.second = max(choice.second, min(top, logits[i]));
      top = max(top, logits[i]);
    }
  }
  let largest = maximum(logits);
  if (largest > choice.largest) { choice = rescaled(choice, largest); }
  let shifted = logits - choice.largest;
  let e = exp(shifted);
  choice.sum += dot(e, vec4f(1.0));
  // exp never quite reaches 0 on some drivers, and BANNED times that would count.
  if (CONFIDENCE == 2u) { choice.weighted += dot(e, max(shifted, vec4f(-100.0))); }
  return choice;
}

fn maximum(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

/// The choice of two parts of the vocabulary together.
fn merged(a: Choice, b: Choice) -> Choice {
  let largest = max(a.largest, b.largest);
  let second = max(min(a.largest, b.largest), max(a.second, b.second));
  let left = rescaled(a, largest);
  let right = rescaled(b, largest);
  let better = b.perturbed > a.perturbed || (b.perturbed == a.perturbed && b.id < a.id);
  return Choice(
    select(a.id, b.id, better),
    select(a.perturbed, b.perturbed, better),
    select(a.logit, b.logit, better),
    largest,
    second,
    left.sum + right.sum,
    left.weighted + right.weighted,
  );
}

/// The same choice with its sums relative to another largest logit.
fn rescaled(choice: Choice, largest: f32) -> Choice {
  var changed = choice;
  let shift = max(choice.largest - largest, -100.0);
  let factor = exp(shift);
  changed.largest = largest;
  changed.sum = choice.sum * factor;
  changed.weighted = (choice.weighted + choice.sum * shift) * factor;
  return changed;
}

/// The confidence in the candidate; for a position that has a token, its probability.
fn confidence_of(choice: Choice, place: Place) -> f32 {
  if (choice.id == NO_TOKEN) { return UNSCORED; }
  if (RESCORE && place.role == SCORE) { return probability_of(choice); }
  switch (CONFIDENCE) {
    case 0u: { return probability_of(choice); }
    case 1u: { return (1.0 - exp(choice.second - choice.largest)) / choice.sum; }
    case 2u: { return choice.weighted / choice.sum - log(choice.sum); }
    // A uniform number, from a block after those of the ids.
    default: { return open_uniform(philox(vec4u(NO_TOKEN, place.counter), place.seed)).x; }
  }
}

fn probability_of(choice: Choice) -> f32 {
  return exp(choice.logit - choice.largest) / choice.sum;
}
