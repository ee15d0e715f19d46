#include "reference.h"

namespace reference {

/// softmax(x [rows, columns], rows, columns, log) -> [rows, columns]
static Napi::Value softmax(Info info) {
  const double* x = doubles(info, 0);
  const size_t rows = whole(info, 1), columns = whole(info, 2);
  const bool log = flag(info, 3);
  auto result = Napi::Float64Array::New(info.Env(), rows * columns);
  double* out = result.Data();
  parallel(rows, [&](size_t row) {
    const double* in = x + row * columns;
    const double maximum = *std::max_element(in, in + columns);
    double sum = 0;
    for (size_t c = 0; c < columns; c++) sum += std::exp(in[c] - maximum);
    for (size_t c = 0; c < columns; c++) {
      const double shifted = in[c] - maximum;
      out[row * columns + c] = log ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  });
  return result;
}

/// softmaxGradient(output, gradient [rows, columns], rows, columns, log) -> [rows, columns]
static Napi::Value softmaxGradient(Info info) {
  const double *output = doubles(info, 0), *gradient = doubles(info, 1);
  const size_t rows = whole(info, 2), columns = whole(info, 3);
  const bool log = flag(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), rows * columns);
  double* out = result.Data();
  parallel(rows, [&](size_t row) {
    const double *y = output + row * columns, *g = gradient + row * columns;
    double sum = 0;
    for (size_t c = 0; c < columns; c++) sum += log ? g[c] : g[c] * y[c];
    for (size_t c = 0; c < columns; c++) {
      out[row * columns + c] = log ? g[c] - std::exp(y[c]) * sum : y[c] * (g[c] - sum);
    }
  });
  return result;
}

REFERENCE(softmax);
REFERENCE(softmaxGradient);

}  // namespace reference
