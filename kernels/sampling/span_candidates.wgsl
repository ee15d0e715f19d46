// Candidates of the starts and ends of spans of time, so that every start comes before its end. Of a start s and an end e
// that are both to be chosen it is the pair with the largest sum of logits l,
//   argmax over s < e of  l_s - T log(-log u_s)  +  l_e - T log(-log u_e)   (lib/token_choice.wgsl),
// of equal ones the earliest end, then the earliest start; where one of the two has its time, the best of the others
// before or after it. The sum splits, so one walk over the ends suffices with the best start before each.
// The confidence is that of lib/token_choice.wgsl among the times that may stand there: those on the right side of the
// other's time, or with one left for it. Positions that have a token are scored the same way with RESCORE.
// One invocation a span; candidates and confidence of other positions stay.
//! import lib/candidate_row.wgsl
//! import lib/index.wgsl

const WORKGROUP = 64u;

struct Params {
  batch: u32,          // B
  length: u32,         // L
  rows: u32,           // R
  start: u32,
  block_length: u32,
  mask_id: u32,
  temperature: f32,
  spans: u32,          // S
  times: u32,          // n
  first_id: u32,       // id of the first time
}
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;               // (B, S, 2, n)
@group(0) @binding(1) var<storage, read> positions: array<vec2u>;          // (B, S): of start and end, in the answer
@group(0) @binding(2) var<storage, read> tokens: array<u32>;               // (B, L)
@group(0) @binding(3) var<storage, read> state: Decoding;
@group(0) @binding(4) var<storage, read_write> candidates: array<u32>;     // (B, R)
@group(0) @binding(5) var<storage, read_write> confidence: array<f32>;     // (B, R)

const NO_TIME = -1;

@compute @workgroup_size(WORKGROUP)
fn span_candidates(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let span = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (span >= params.batch * params.spans) { return; }
  let at = positions[span];
  if (any(at >= vec2u(params.length - params.start))) { return; }
  let row = span / params.spans * params.rows + at + params.start + params.rows - params.length;
  let start = place_of(row.x, params.temperature);
  let end = place_of(row.y, params.temperature);
  let held = vec2i(time_of(start), time_of(end));
  let chosen = best_pair(span, start, end, held);

  let last = i32(params.times) - 1;
  let start_end = select(last, held.y, held.y != NO_TIME);   // starts are before it
  let end_begin = select(0, held.x, held.x != NO_TIME);      // ends are after it
  settle(row.x, 2 * span, start, select(held.x, chosen.x, start.role == CHOOSE), 0, start_end - 1);
  settle(row.y, 2 * span + 1, end, select(held.y, chosen.y, end.role == CHOOSE), end_begin + 1, last);
}

/// The time that a position holds, or NO_TIME.
fn time_of(place: Place) -> i32 {
  let time = place.token - params.first_id;
  return select(NO_TIME, i32(time), place.token >= params.first_id && time < params.times);
}

/// Times of start and end with the start first; NO_TIME where there are none.
fn best_pair(span: u32, start: Place, end: Place, held: vec2i) -> vec2i {
  var best = vec2i(NO_TIME);
  var best_sum = 0.0;
  var earlier = NO_TIME;   // the best start before the end at hand
  var earlier_score = 0.0;
  for (var time = 1; time < i32(params.times); time++) {
    if (held.x == NO_TIME || held.x == time - 1) {
      let score = score_at(2 * span, time - 1, start);
      if (earlier == NO_TIME || score > earlier_score) {
        earlier = time - 1;
        earlier_score = score;
      }
    }
    if (earlier == NO_TIME || (held.y != NO_TIME && held.y != time)) { continue; }
    let sum = earlier_score + score_at(2 * span + 1, time, end);
    if (best.x == NO_TIME || sum > best_sum) {
      best = vec2i(earlier, time);
      best_sum = sum;
    }
  }
  return best;
}

/// The perturbed logit of a time at a position that is to be chosen; any other has no say.
fn score_at(side: u32, time: i32, place: Place) -> f32 {
  if (place.role != CHOOSE) { return 0.0; }
  let l = logit_at(side, time);
  if (!TEMPERED) { return l; }
  let id = params.first_id + u32(time);
  let uniform_numbers = open_uniform(philox(vec4u(id / 4, place.counter), place.seed));
  return l + place.temperature * gumbel(uniform_numbers)[id % 4];
}

fn logit_at(side: u32, time: i32) -> f32 {
  return usable(vec4f(logits[side * params.times + u32(time)])).x;
}

/// Writes the candidate of a position, and the confidence in it among the times `first` to `last`.
fn settle(row: u32, side: u32, place: Place, time: i32, first: i32, last: i32) {
  let possible = time >= first && time <= last;
  if (place.role == CHOOSE) {
    candidates[row] = select(place.token, params.first_id + u32(time), possible);
    confidence[row] = UNSCORED;
  }
  if (place.role == IDLE || !possible) { return; }
  var choice = no_choice();
  for (var i = 0; i < i32(params.times); i += 4) {
    var l = vec4f(BANNED);
    for (var k = 0; k < 4; k++) {
      if (i + k >= first && i + k <= last) { l[k] = logit_at(side, i + k); }
    }
    choice = with_tokens(choice, 0, l, vec4f(BANNED));
  }
  choice.id = params.first_id + u32(time);
  choice.logit = logit_at(side, time);
  confidence[row] = confidence_of(choice, place);
}
