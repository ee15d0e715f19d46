#include "reference.h"

namespace reference {

static double log_add(double a, double b) {
  const double high = std::max(a, b);
  return high == -std::numeric_limits<double>::infinity() ? high : high + std::log1p(std::exp(-std::abs(a - b)));
}

/// alignment(scores [batch, steps, states], counts [batch] or null, batch, steps, states, posterior) ->
/// log-likelihoods [batch], or with `posterior` where each state is, [batch, steps, states]. Textbook forward-backward.
static Napi::Value alignment(Info info) {
  const double* scores = doubles(info, 0);
  const uint32_t* counts = uints(info, 1);
  const size_t batch = whole(info, 2), steps = whole(info, 3), states = whole(info, 4);
  const bool posterior = flag(info, 5);
  auto result = Napi::Float64Array::New(info.Env(), posterior ? batch * steps * states : batch);
  double* out = result.Data();
  parallel(batch, [&](size_t element) {
    constexpr double zero = -std::numeric_limits<double>::infinity();
    const double* s = scores + element * steps * states;
    const size_t count = counts ? std::min<size_t>(counts[element], states) : states;
    if (posterior) std::fill_n(out + element * steps * states, steps * states, 0.0);
    if (count == 0 || count > steps) {
      if (!posterior) out[element] = 0;
      return;
    }
    std::vector<double> forward(steps * count, zero), backward(steps * count, zero);
    forward[0] = s[0];
    for (size_t t = 1; t < steps; t++) {
      for (size_t j = 0; j < count; j++) {
        const double stays = forward[(t - 1) * count + j];
        const double comes = j > 0 ? forward[(t - 1) * count + j - 1] : zero;
        forward[t * count + j] = s[t * states + j] + log_add(stays, comes);
      }
    }
    const double total = forward[steps * count - 1];
    if (!posterior) {
      out[element] = total;
      return;
    }
    backward[steps * count - 1] = 0;
    for (size_t t = steps - 1; t-- > 0;) {
      for (size_t j = 0; j < count; j++) {
        const size_t next = (t + 1) * states + j;
        const double stays = s[next] + backward[(t + 1) * count + j];
        const double goes = j + 1 < count ? s[next + 1] + backward[(t + 1) * count + j + 1] : zero;
        backward[t * count + j] = log_add(stays, goes);
      }
    }
    for (size_t t = 0; t < steps; t++) {
      for (size_t j = 0; j < count; j++) {
        out[(element * steps + t) * states + j] = std::exp(forward[t * count + j] + backward[t * count + j] - total);
      }
    }
  });
  return result;
}

REFERENCE(alignment);

}  // namespace reference
