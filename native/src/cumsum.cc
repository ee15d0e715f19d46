#include "reference.h"

namespace reference {

/// cumsum(x [outer, n, inner], outer, n, inner, reverse) -> [outer, n, inner]
static Napi::Value cumsum(Info info) {
  const double* x = doubles(info, 0);
  const size_t outer = whole(info, 1), n = whole(info, 2), inner = whole(info, 3);
  const bool reverse = flag(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), outer * n * inner);
  double* out = result.Data();
  parallel(outer * inner, [&](size_t column) {
    const size_t start = column / inner * n * inner + column % inner;
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
      const size_t at = start + (reverse ? n - 1 - j : j) * inner;
      sum += x[at];
      out[at] = sum;
    }
  });
  return result;
}

REFERENCE(cumsum);

}  // namespace reference
