#include "reference.h"

namespace reference {

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// lstm(input [batch, time, inputs], weight_ih [directions, 4 hidden, inputs], weight_hh [directions, 4 hidden, hidden],
///      bias_ih, bias_hh [directions, 4 hidden], lengths [batch] or none, state [2, batch, directions, hidden] or none,
///      batch, time, inputs, hidden, directions)
///   -> output [batch, time, directions, hidden], then state [2, batch, directions, hidden], in one array
static Napi::Value lstm(Info info) {
  const double *input = doubles(info, 0), *weight_ih = doubles(info, 1), *weight_hh = doubles(info, 2);
  const double *bias_ih = doubles(info, 3), *bias_hh = doubles(info, 4), *initial = doubles(info, 6);
  const uint32_t* lengths = uints(info, 5);
  const size_t batch = whole(info, 7), time = whole(info, 8), inputs = whole(info, 9), hidden = whole(info, 10),
               directions = whole(info, 11);
  const size_t states = batch * directions * hidden;
  auto result = Napi::Float64Array::New(info.Env(), batch * time * directions * hidden + 2 * states);
  double* output = result.Data();
  double* state = output + batch * time * directions * hidden;
  parallel(batch * directions, [&](size_t pair) {
    const size_t row = pair / directions, direction = pair % directions;
    const size_t length = lengths ? std::min<size_t>(lengths[row], time) : time;
    std::vector<double> h(hidden, 0), c(hidden, 0), gates(4 * hidden);
    if (initial) {
      std::copy_n(initial + pair * hidden, hidden, h.begin());
      std::copy_n(initial + states + pair * hidden, hidden, c.begin());
    }
    for (size_t step = 0; step < time; step++) {
      const size_t t = step < length && direction == 1 ? length - 1 - step : step;
      double* out = output + ((row * time + t) * directions + direction) * hidden;
      if (step >= length) {
        std::fill_n(out, hidden, 0);
        continue;
      }
      for (size_t gate = 0; gate < 4 * hidden; gate++) {
        const size_t at = direction * 4 * hidden + gate;
        double sum = bias_ih[at] + bias_hh[at];
        for (size_t k = 0; k < inputs; k++) sum += weight_ih[at * inputs + k] * input[(row * time + t) * inputs + k];
        for (size_t k = 0; k < hidden; k++) sum += weight_hh[at * hidden + k] * h[k];
        gates[gate] = sum;
      }
      for (size_t unit = 0; unit < hidden; unit++) {
        const double in = sigmoid(gates[unit]), forget = sigmoid(gates[hidden + unit]);
        const double cell = std::tanh(gates[2 * hidden + unit]), exit = sigmoid(gates[3 * hidden + unit]);
        c[unit] = forget * c[unit] + in * cell;
        h[unit] = exit * std::tanh(c[unit]);
      }
      std::copy(h.begin(), h.end(), out);
    }
    std::copy(h.begin(), h.end(), state + pair * hidden);
    std::copy(c.begin(), c.end(), state + states + pair * hidden);
  });
  return result;
}

REFERENCE(lstm);

}  // namespace reference
