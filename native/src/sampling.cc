// Masked token sampling: the candidates of a step and what is committed and masked again.
#include "philox.h"
#include "reference.h"

namespace reference {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unscored = -3.4028234663852886e38;
constexpr uint32_t no_token = 0xffffffff;

/// Words of the state of a decoding.
struct State {
  uint32_t seed_low, seed_high, step, block, block_step, masked;
  explicit State(const uint32_t* words)
      : seed_low(words[0]), seed_high(words[1]), step(words[2]), block(words[3]), block_step(words[4]),
        masked(words[5]) {}
};

/// Where the answer lies in the sequences, from the arguments behind `first`.
struct Answer {
  size_t batch, length, rows, start, block_length;
  uint32_t mask_id;
  Answer(Info info, size_t first)
      : batch(whole(info, first)), length(whole(info, first + 1)), rows(whole(info, first + 2)),
        start(whole(info, first + 3)), block_length(whole(info, first + 4)), mask_id(whole(info, first + 5)) {}
  size_t end(const State& state) const { return std::min(length, start + (state.block + 1) * block_length); }
  /// Positions of the current block.
  size_t block_size(const State& state) const {
    return end(state) - std::min(end(state), start + state.block * block_length);
  }
  size_t row(size_t b, size_t position) const { return b * rows + position + rows - length; }
};

/// The softmax of the logits l over some of the ids.
class Distribution {
 public:
  Distribution(const std::vector<double>& l, const std::vector<uint32_t>& usable) : l(l), usable(usable) {
    for (const uint32_t v : usable) {
      second = std::max(second, std::min(largest, l[v]));
      largest = std::max(largest, l[v]);
    }
    for (const uint32_t v : usable) sum += std::exp(shifted(v));
  }
  double probability(uint32_t v) const { return std::exp(shifted(v)) / sum; }
  /// Of one of the kinds but the random one.
  double confidence(uint32_t v, int64_t kind) const {
    if (kind == 1) {
      if (usable.size() == 1) return 1.0;
      return second == largest ? 0 : (1 - std::exp(second - largest)) / sum;
    }
    if (kind == 2) {
      double entropy = 0;
      for (const uint32_t w : usable) {
        if (const double p = probability(w); p > 0) entropy += p * std::log(p);
      }
      return entropy;
    }
    return probability(v);
  }

 private:
  const std::vector<double>& l;
  const std::vector<uint32_t>& usable;
  double largest = -infinity, second = -infinity, sum = 0;
  double shifted(uint32_t v) const { return l[v] == largest ? 0 : l[v] - largest; }
};

static bool contains(const uint32_t* set, uint32_t id) { return set[id / 32] >> (id % 32) & 1; }

/// token_candidates(logits [B, R, V], unconditional [B, R, V]?, tokens [B, L], state, allowed [M, V / 32]?,
///   allowed_index?, B, L, R, start, block_length, mask_id, V, index_stride, temperature, guidance_scale,
///   confidence_kind, rescore, mask_allowed)
/// -> { candidates, confidence, rivals, rival_confidence, gaps }: the candidates and those that would be chosen
/// without them, with the difference of their perturbed logits
static Napi::Value token_candidates(Info info) {
  const double *logits = doubles(info, 0), *unconditional = doubles(info, 1);
  const uint32_t *tokens = uints(info, 2), *allowed = uints(info, 4), *allowed_index = uints(info, 5);
  const State state(uints(info, 3));
  const Answer answer(info, 6);
  const size_t columns = whole(info, 12), index_stride = whole(info, 13);
  const double temperature = real(info, 14), scale = real(info, 15);
  const int64_t kind = whole(info, 16);
  const bool rescore = flag(info, 17), mask_allowed = flag(info, 18);
  const size_t total = answer.batch * answer.rows;
  auto candidates = Napi::Uint32Array::New(info.Env(), total), rivals = Napi::Uint32Array::New(info.Env(), total);
  auto confidence = Napi::Float64Array::New(info.Env(), total), gaps = Napi::Float64Array::New(info.Env(), total);
  auto rival_confidence = Napi::Float64Array::New(info.Env(), total);
  uint32_t *candidate = candidates.Data(), *rival = rivals.Data();
  double *sure = confidence.Data(), *rival_sure = rival_confidence.Data(), *gap = gaps.Data();

  parallel(total, [&](size_t row) {
    const size_t b = row / answer.rows, r = row % answer.rows, position = answer.length - answer.rows + r;
    const uint32_t token = tokens[b * answer.length + position];
    const bool masked = token == answer.mask_id;
    candidate[row] = rival[row] = token;
    sure[row] = rival_sure[row] = unscored;
    gap[row] = infinity;
    if (position < answer.start || position >= answer.end(state) || !(masked || rescore)) return;

    const size_t mask = allowed_index ? allowed_index[b * index_stride + r] : 0;
    const uint32_t* set = allowed ? allowed + mask * ((columns + 31) / 32) : nullptr;
    std::vector<double> l(columns);
    std::vector<uint32_t> usable;
    for (uint32_t v = 0; v < columns; v++) {
      if ((v == answer.mask_id && !mask_allowed) || (set && !contains(set, v))) continue;
      usable.push_back(v);
      l[v] = logits[row * columns + v];
      if (unconditional) {
        const double without = unconditional[row * columns + v];
        l[v] = without + (scale + 1) * (l[v] - without);
      }
      if (std::isnan(l[v])) l[v] = -infinity;
    }
    if (usable.empty()) return;

    const Distribution distribution(l, usable);
    const uint32_t step = state.step + 1;
    const auto uniform = [&](uint32_t quad, size_t word) {
      return open_uniform(philox({quad, uint32_t(position), uint32_t(b), step}, state.seed_low, state.seed_high)[word]);
    };
    const auto confidence_in = [&](uint32_t v) {
      return kind == 3 ? uniform(no_token, 0) : distribution.confidence(v, kind);
    };
    if (!masked) {
      sure[row] = token < columns && std::find(usable.begin(), usable.end(), token) != usable.end()
                      ? distribution.probability(token) : unscored;
      return;
    }
    double best = -infinity, next = -infinity;
    uint32_t winner = no_token, follower = no_token;
    for (const uint32_t v : usable) {
      double value = l[v];
      if (temperature > 0) value -= temperature * std::log(-std::log(uniform(v / 4, v % 4)));
      if (winner == no_token || value > best) {
        follower = winner, next = best;
        winner = v, best = value;
      } else if (follower == no_token || value > next) {
        follower = v, next = value;
      }
    }
    candidate[row] = winner;
    sure[row] = confidence_in(winner);
    if (follower == no_token) return;
    rival[row] = follower;
    rival_sure[row] = confidence_in(follower);
    gap[row] = best == next ? 0 : best - next;
  });
  auto result = Napi::Object::New(info.Env());
  result.Set("candidates", candidates);
  result.Set("confidence", confidence);
  result.Set("rivals", rivals);
  result.Set("rivalConfidence", rival_confidence);
  result.Set("gaps", gaps);
  return result;
}

/// span_candidates(logits [B, S, 2, n], positions [B, S, 2], tokens [B, L], state, candidates [B, R],
///   confidence [B, R], B, L, R, start, block_length, mask_id, S, n, first_id, temperature, confidence_kind, rescore)
/// -> { candidates, confidence, gaps }: gaps [B, R] are how much lower the sum of the next best pair is
static Napi::Value span_candidates(Info info) {
  const double *logits = doubles(info, 0), *sure = doubles(info, 5);
  const uint32_t *positions = uints(info, 1), *tokens = uints(info, 2), *given = uints(info, 4);
  const State state(uints(info, 3));
  const Answer answer(info, 6);
  const size_t spans = whole(info, 12), times = whole(info, 13);
  const uint32_t first_id = whole(info, 14);
  const double temperature = real(info, 15);
  const int64_t kind = whole(info, 16);
  const bool rescore = flag(info, 17);
  const size_t total = answer.batch * answer.rows;
  auto candidates = Napi::Uint32Array::New(info.Env(), total);
  auto confidence = Napi::Float64Array::New(info.Env(), total), gaps = Napi::Float64Array::New(info.Env(), total);
  std::copy_n(given, total, candidates.Data());
  std::copy_n(sure, total, confidence.Data());
  std::fill_n(gaps.Data(), total, infinity);

  for (size_t span = 0; span < answer.batch * spans; span++) {
    const size_t b = span / spans;
    const uint32_t* at = positions + 2 * span;
    if (at[0] >= answer.length - answer.start || at[1] >= answer.length - answer.start) continue;
    bool masked[2], played[2];
    std::vector<double> l[2], score[2];
    // Times that may stand at a position whatever stands at the other.
    std::vector<bool> open[2];
    const auto uniform = [&](int side, uint32_t quad, size_t word) {
      const uint32_t position = answer.start + at[side];
      return open_uniform(
          philox({quad, position, uint32_t(b), state.step + 1}, state.seed_low, state.seed_high)[word]);
    };
    for (int side = 0; side < 2; side++) {
      const size_t position = answer.start + at[side];
      const uint32_t token = tokens[b * answer.length + position];
      masked[side] = token == answer.mask_id;
      played[side] = position < answer.end(state);
      const bool held = token >= first_id && token - first_id < times;
      for (uint32_t t = 0; t < times; t++) {
        double value = logits[(2 * span + side) * times + t];
        if (std::isnan(value)) value = -infinity;
        l[side].push_back(value);
        const uint32_t id = first_id + t;
        const bool chosen = masked[side] && played[side];
        if (chosen && temperature > 0) value -= temperature * std::log(-std::log(uniform(side, id / 4, id % 4)));
        score[side].push_back(chosen ? std::max(value, -1e30) : 0);
        open[side].push_back(!held || t == token - first_id);
      }
    }
    double best = -infinity, next = -infinity;
    uint32_t pair[2] = {no_token, no_token};
    for (uint32_t e = 1; e < times; e++) {
      for (uint32_t s = 0; s < e; s++) {
        if (!open[0][s] || !open[1][e]) continue;
        const double sum = score[0][s] + score[1][e];
        if (pair[0] == no_token || sum > best) {
          next = best, best = sum;
          pair[0] = s, pair[1] = e;
        } else {
          next = std::max(next, sum);
        }
      }
    }
    for (int side = 0; side < 2; side++) {
      const size_t row = answer.row(b, answer.start + at[side]);
      const uint32_t token = tokens[b * answer.length + answer.start + at[side]];
      if (!played[side] || !(masked[side] || rescore)) continue;
      std::vector<uint32_t> usable;
      for (uint32_t t = 0; t < times; t++) {
        bool fits = false;
        for (uint32_t u = 0; u < times; u++) fits |= open[1 - side][u] && (side == 0 ? t < u : u < t);
        if (fits) usable.push_back(t);
      }
      const uint32_t time = masked[side] ? pair[side] : token - first_id;
      const bool possible = std::find(usable.begin(), usable.end(), time) != usable.end();
      if (masked[side]) {
        candidates.Data()[row] = possible ? first_id + time : token;
        confidence.Data()[row] = unscored;
        gaps.Data()[row] = best == next ? 0 : best - next;
      }
      if (!possible) continue;
      const Distribution distribution(l[side], usable);
      confidence.Data()[row] = !masked[side] ? distribution.probability(time)
                               : kind == 3   ? uniform(side, no_token, 0)
                                             : distribution.confidence(time, kind);
    }
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("candidates", candidates);
  result.Set("confidence", confidence);
  result.Set("gaps", gaps);
  return result;
}

/// Positions in the order of confidence, of equal ones the lower first; NaN counts as the lowest.
static void order_by_confidence(std::vector<size_t>& positions, const double* confidence, bool descending) {
  const auto value = [&](size_t p) { return std::isnan(confidence[p]) ? -infinity : confidence[p]; };
  std::stable_sort(positions.begin(), positions.end(), [&](size_t a, size_t b) {
    return descending ? value(a) > value(b) : value(a) < value(b);
  });
}

/// commit_tokens(tokens [B, L], candidates [B, R], confidence [B, R], state, shares [S]?, eligible?, late?,
///   B, L, R, start, block_length, mask_id, S, threshold?, eligible_stride, late_from, mask_allowed, stop_id?) -> [B, L]
static Napi::Value commit_tokens(Info info) {
  const uint32_t *tokens = uints(info, 0), *candidates = uints(info, 1);
  const double *confidence = doubles(info, 2), *shares = doubles(info, 4);
  const State state(uints(info, 3));
  const uint32_t *eligible = uints(info, 5), *late = uints(info, 6);
  const Answer answer(info, 7);
  const size_t steps = whole(info, 13), eligible_stride = whole(info, 15), late_from = whole(info, 16);
  const bool mask_allowed = flag(info, 17);
  const double threshold = info[14].IsUndefined() ? infinity : real(info, 14);
  const bool has_stop = !info[18].IsUndefined();
  const uint32_t stop_id = has_stop ? uint32_t(whole(info, 18)) : 0;
  auto result = Napi::Uint32Array::New(info.Env(), answer.batch * answer.length);
  uint32_t* next = result.Data();
  std::copy_n(tokens, answer.batch * answer.length, next);
  for (size_t b = 0; b < answer.batch; b++) {
    size_t masked = 0, reached = 0;
    bool stopped = false;
    std::vector<size_t> rows;
    for (size_t position = answer.start; position < answer.end(state); position++) {
      const uint32_t token = tokens[b * answer.length + position];
      stopped |= has_stop && token == stop_id;
      if (token != answer.mask_id) continue;
      masked++;
      if (stopped) continue;
      const size_t row = answer.row(b, position);
      if (candidates[row] == answer.mask_id && !mask_allowed) continue;
      if (eligible && !eligible[b * eligible_stride + row % answer.rows]) continue;
      if (late && state.step < late_from && contains(late, candidates[row])) continue;
      rows.push_back(row);
      reached += confidence[row] >= threshold;
    }
    order_by_confidence(rows, confidence, true);
    // LLaDA's count for the first of the steps that are left.
    const size_t step = std::min<size_t>(state.block_step, steps - 1), left = steps - step;
    size_t count = masked / left + (masked % left > 0);
    // LLaDA's counts as they stand: n is the size of the block.
    const size_t size = answer.block_size(state);
    if (mask_allowed) count = size / steps + (step < size % steps);
    if (shares) {
      const float share = float(shares[state.block_step]) * float(masked);
      count = std::max<size_t>(1, std::floor(share + 0.5f));
    }
    count = std::min(rows.size(), std::max(count, reached));
    for (size_t i = 0; i < count; i++) {
      next[b * answer.length + rows[i] % answer.rows + answer.length - answer.rows] = candidates[rows[i]];
    }
  }
  return result;
}

/// remask_tokens(tokens [B, L], previous [B, L], confidence [B, R], state, counts [K]?, fractions [K]?,
///   eligible?, always?, B, L, R, start, block_length, mask_id, K, eligible_stride, always_ids) -> [B, L]
static Napi::Value remask_tokens(Info info) {
  const uint32_t *tokens = uints(info, 0), *previous = uints(info, 1), *counts = uints(info, 4);
  const double *confidence = doubles(info, 2), *fractions = doubles(info, 5);
  const State state(uints(info, 3));
  const uint32_t *eligible = uints(info, 6), *always = uints(info, 7);
  const Answer answer(info, 8);
  const size_t steps = whole(info, 14), eligible_stride = whole(info, 15), always_ids = whole(info, 16);
  auto result = Napi::Uint32Array::New(info.Env(), answer.batch * answer.length);
  uint32_t* next = result.Data();
  std::copy_n(tokens, answer.batch * answer.length, next);
  if (state.step > 0 && state.masked == 0) return result;
  const size_t step = std::min<size_t>(state.step, steps - 1);
  for (size_t b = 0; b < answer.batch; b++) {
    std::vector<size_t> rows;
    for (size_t position = answer.start; position < answer.end(state); position++) {
      const uint32_t token = previous[b * answer.length + position];
      if (token == answer.mask_id) continue;
      const size_t row = answer.row(b, position);
      const bool free = !eligible || eligible[b * eligible_stride + row % answer.rows];
      if (free || (always && token < always_ids && contains(always, token))) rows.push_back(row);
    }
    order_by_confidence(rows, confidence, false);
    size_t count = fractions ? std::floor(float(fractions[step]) * float(rows.size())) : counts[step];
    count = std::min(count, rows.size());
    for (size_t i = 0; i < count; i++) {
      next[b * answer.length + rows[i] % answer.rows + answer.length - answer.rows] = answer.mask_id;
    }
  }
  return result;
}

REFERENCE(token_candidates);
REFERENCE(span_candidates);
REFERENCE(commit_tokens);
REFERENCE(remask_tokens);

}  // namespace reference
