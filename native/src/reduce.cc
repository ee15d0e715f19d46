#include "shape.h"

namespace reference {

/// reduce(x, shape, reduced: for each axis 0 or 1, name) -> the shape with size 1 for the reduced axes
static Napi::Value reduce(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), reduced = shapeArgument(info, 2);
  const std::string name = info[3].ToString();
  Shape kept = shape;
  for (size_t axis = 0; axis < shape.size(); axis++) {
    if (reduced[axis]) kept[axis] = 1;
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const size_t outputs = sizeOf(kept), count = sizeOf(shape) / outputs;
  std::vector<double> largest(outputs, -infinity);
  auto result = Napi::Float64Array::New(info.Env(), outputs);
  double* out = result.Data();
  std::fill(out, out + outputs, name == "max" ? -infinity : name == "min" ? infinity : name == "prod" ? 1 : 0);
  std::vector<size_t> outputOf(sizeOf(shape));
  parallel(sizeOf(shape), [&](size_t i) { outputOf[i] = broadcastPosition(indexAt(i, shape), kept); });
  const auto each = [&](auto body) {
    for (size_t i = 0; i < sizeOf(shape); i++) body(outputOf[i], x[i]);
  };
  if (name == "logSumExp") each([&](size_t o, double v) { largest[o] = std::max(largest[o], v); });
  each([&](size_t o, double v) {
    if (name == "max") out[o] = std::max(out[o], v);
    else if (name == "min") out[o] = std::min(out[o], v);
    else if (name == "prod") out[o] *= v;
    else if (name == "l2Norm") out[o] += v * v;
    else if (name == "logSumExp") out[o] += std::exp(v - largest[o]);
    else out[o] += v;
  });
  for (size_t o = 0; o < outputs; o++) {
    if (name == "mean") out[o] /= count;
    else if (name == "l2Norm") out[o] = std::sqrt(out[o]);
    else if (name == "logSumExp") out[o] = std::log(out[o]) + largest[o];
  }
  return result;
}

/// maskedMean(x [outer, n, inner], mask [outer, n], outer, n, inner) -> [outer, inner]
static Napi::Value maskedMean(Info info) {
  const double *x = doubles(info, 0), *mask = doubles(info, 1);
  const size_t outer = whole(info, 2), n = whole(info, 3), inner = whole(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), outer * inner);
  double* out = result.Data();
  parallel(outer * inner, [&](size_t i) {
    const size_t o = i / inner;
    double sum = 0, weights = 0;
    for (size_t k = 0; k < n; k++) {
      sum += mask[o * n + k] * x[(o * n + k) * inner + i % inner];
      weights += mask[o * n + k];
    }
    out[i] = weights == 0 ? 0 : sum / weights;
  });
  return result;
}

/// maskedMeanGradient(gradient [outer, inner], mask [outer, n], outer, n, inner) -> [outer, n, inner]
static Napi::Value maskedMeanGradient(Info info) {
  const double *gradient = doubles(info, 0), *mask = doubles(info, 1);
  const size_t outer = whole(info, 2), n = whole(info, 3), inner = whole(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), outer * n * inner);
  double* out = result.Data();
  for (size_t o = 0; o < outer; o++) {
    double weights = 0;
    for (size_t k = 0; k < n; k++) weights += mask[o * n + k];
    for (size_t k = 0; k < n; k++) {
      for (size_t i = 0; i < inner; i++) {
        const double share = weights == 0 ? 0 : mask[o * n + k] / weights;
        out[(o * n + k) * inner + i] = share * gradient[o * inner + i];
      }
    }
  }
  return result;
}

REFERENCE(maskedMeanGradient);
REFERENCE(reduce);
REFERENCE(maskedMean);

}  // namespace reference
