// The activation functions that kernels can apply to their output, by the numbers of src/ops/activation.ts.
#pragma once
#include "reference.h"

namespace reference {

struct Activation {
  int64_t number;
  double negativeSlope;

  double operator()(double x) const {
    const double sqrtHalf = 0.70710678118654752440, sqrtTwoOverPi = 0.79788456080286535588;
    switch (number) {
      case 0: return x;
      case 1: return std::max(x, 0.0);
      case 2: return x >= 0 ? x : negativeSlope * x;
      case 3: return 1 / (1 + std::exp(-x));
      case 4: return std::tanh(x);
      case 5: return x / (1 + std::exp(-x));
      case 6: return 0.5 * x * std::erfc(-x * sqrtHalf);
      case 7: return 0.5 * x * (1 + std::tanh(sqrtTwoOverPi * (x + 0.044715 * x * x * x)));
      case 8: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    }
    return std::numeric_limits<double>::quiet_NaN();
  }
};

/// The arguments (number, negative slope) at `i`.
inline Activation activationArgument(Info info, size_t i) { return {whole(info, i), real(info, i + 1)}; }

}  // namespace reference
