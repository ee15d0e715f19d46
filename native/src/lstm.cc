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

/// The gradients of lstm, in the shapes of its arguments, h of the steps before being taken from `output`:
/// lstmGradient(input, weight_ih, weight_hh, bias_ih, bias_hh, lengths or none, state or none, output, output_gradient or
///      none, state_gradient or none, batch, time, inputs, hidden, directions)
///   -> those of input, weight_ih, weight_hh, bias (of either) and state in one array
static Napi::Value lstmGradient(Info info) {
  const double *input = doubles(info, 0), *weight_ih = doubles(info, 1), *weight_hh = doubles(info, 2);
  const double *bias_ih = doubles(info, 3), *bias_hh = doubles(info, 4), *initial = doubles(info, 6);
  const uint32_t* lengths = uints(info, 5);
  const double *output = doubles(info, 7), *output_gradient = doubles(info, 8), *state_gradient = doubles(info, 9);
  const size_t batch = whole(info, 10), time = whole(info, 11), inputs = whole(info, 12), hidden = whole(info, 13),
               directions = whole(info, 14);
  const size_t states = batch * directions * hidden, rows = directions * 4 * hidden;
  auto result = Napi::Float64Array::New(
      info.Env(), batch * time * inputs + rows * (inputs + hidden + 1) + 2 * states);
  std::fill_n(result.Data(), result.ElementLength(), 0.0);
  double* d_input = result.Data();
  double *d_weight_ih = d_input + batch * time * inputs, *d_weight_hh = d_weight_ih + rows * inputs;
  double *d_bias = d_weight_hh + rows * hidden, *d_state = d_bias + rows;
  for (size_t pair = 0; pair < batch * directions; pair++) {
    const size_t row = pair / directions, direction = pair % directions;
    const size_t length = lengths ? std::min<size_t>(lengths[row], time) : time;
    const auto timeOf = [&](size_t step) { return direction == 1 ? length - 1 - step : step; };
    const auto outputAt = [&](size_t t, size_t unit) {
      return ((row * time + t) * directions + direction) * hidden + unit;
    };
    // h before each step, the gates after their functions, and c before each step and after the last.
    std::vector<std::vector<double>> before(length), gates(length), c(length + 1, std::vector<double>(hidden, 0));
    if (initial) std::copy_n(initial + states + pair * hidden, hidden, c[0].begin());
    for (size_t step = 0; step < length; step++) {
      before[step].assign(hidden, 0);
      for (size_t unit = 0; unit < hidden; unit++) {
        if (step > 0) before[step][unit] = output[outputAt(timeOf(step - 1), unit)];
        else if (initial) before[step][unit] = initial[pair * hidden + unit];
      }
      gates[step].resize(4 * hidden);
      for (size_t gate = 0; gate < 4 * hidden; gate++) {
        const size_t at = direction * 4 * hidden + gate;
        double sum = bias_ih[at] + bias_hh[at];
        for (size_t k = 0; k < inputs; k++) {
          sum += weight_ih[at * inputs + k] * input[(row * time + timeOf(step)) * inputs + k];
        }
        for (size_t k = 0; k < hidden; k++) sum += weight_hh[at * hidden + k] * before[step][k];
        gates[step][gate] = gate / hidden == 2 ? std::tanh(sum) : sigmoid(sum);
      }
      for (size_t unit = 0; unit < hidden; unit++) {
        const double* g = gates[step].data() + unit;
        c[step + 1][unit] = g[hidden] * c[step][unit] + g[0] * g[2 * hidden];
      }
    }
    std::vector<double> dh(hidden, 0), dc(hidden, 0);
    if (state_gradient) {
      std::copy_n(state_gradient + pair * hidden, hidden, dh.begin());
      std::copy_n(state_gradient + states + pair * hidden, hidden, dc.begin());
    }
    for (size_t step = length; step-- > 0;) {
      const size_t t = timeOf(step);
      std::vector<double> dz(4 * hidden);
      for (size_t unit = 0; unit < hidden; unit++) {
        if (output_gradient) dh[unit] += output_gradient[outputAt(t, unit)];
        const double* g = gates[step].data() + unit;
        const double in = g[0], forget = g[hidden], cell = g[2 * hidden], exit = g[3 * hidden];
        const double bent = std::tanh(c[step + 1][unit]);
        dc[unit] += dh[unit] * exit * (1 - bent * bent);
        dz[unit] = dc[unit] * cell * in * (1 - in);
        dz[hidden + unit] = dc[unit] * c[step][unit] * forget * (1 - forget);
        dz[2 * hidden + unit] = dc[unit] * in * (1 - cell * cell);
        dz[3 * hidden + unit] = dh[unit] * bent * exit * (1 - exit);
        dc[unit] *= forget;
      }
      std::fill(dh.begin(), dh.end(), 0);
      for (size_t gate = 0; gate < 4 * hidden; gate++) {
        const size_t at = direction * 4 * hidden + gate, x = (row * time + t) * inputs;
        d_bias[at] += dz[gate];
        for (size_t k = 0; k < inputs; k++) {
          d_input[x + k] += dz[gate] * weight_ih[at * inputs + k];
          d_weight_ih[at * inputs + k] += dz[gate] * input[x + k];
        }
        for (size_t k = 0; k < hidden; k++) {
          dh[k] += dz[gate] * weight_hh[at * hidden + k];
          d_weight_hh[at * hidden + k] += dz[gate] * before[step][k];
        }
      }
    }
    std::copy(dh.begin(), dh.end(), d_state + pair * hidden);
    std::copy(dc.begin(), dc.end(), d_state + states + pair * hidden);
  }
  return result;
}

REFERENCE(lstm);
REFERENCE(lstmGradient);

}  // namespace reference
