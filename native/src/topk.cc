#include <numeric>

#include "reference.h"

namespace reference {

/// Whether a comes before b: larger first, NaN last.
static bool before(double a, double b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

/// top_k(x [rows, columns], rows, columns, k) -> indices [rows, k]; of equal elements the lower index first
static Napi::Value top_k(Info info) {
  const double* x = doubles(info, 0);
  const size_t rows = whole(info, 1), columns = whole(info, 2), k = whole(info, 3);
  auto result = Napi::Uint32Array::New(info.Env(), rows * k);
  uint32_t* out = result.Data();
  parallel(rows, [&](size_t row) {
    const double* in = x + row * columns;
    std::vector<uint32_t> order(columns);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return before(in[a], in[b]); });
    std::copy_n(order.begin(), k, out + row * k);
  });
  return result;
}

REFERENCE(top_k);

}  // namespace reference
