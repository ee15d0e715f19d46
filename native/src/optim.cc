#include "reference.h"

#include <cmath>
#include <vector>

namespace reference {

static Napi::Array arraysOf(Info info, const std::vector<Napi::Float64Array>& arrays) {
  auto result = Napi::Array::New(info.Env(), arrays.size());
  for (size_t i = 0; i < arrays.size(); i++) result.Set(static_cast<uint32_t>(i), arrays[i]);
  return result;
}

/// adamwStep(gradient, [rate, correction1, correction2], clip, weight, first, second, average, [beta1, beta2, eps, decay,
/// keep]) -> [weight, first, second, average]
static Napi::Value adamwStep(Info info) {
  const double *gradient = doubles(info, 0), *schedule = doubles(info, 1), *options = doubles(info, 7);
  const double clip = doubles(info, 2)[0];
  const double beta1 = options[0], beta2 = options[1], eps = options[2], decay = options[3], keep = options[4];
  const size_t count = info[0].As<Napi::Float64Array>().ElementLength();
  std::vector<Napi::Float64Array> out;
  for (size_t i = 3; i < 7; i++) {
    out.push_back(Napi::Float64Array::New(info.Env(), count));
    for (size_t j = 0; j < count; j++) out.back()[j] = doubles(info, i)[j];
  }
  if (clip == 0) return arraysOf(info, out);
  for (size_t j = 0; j < count; j++) {
    const double g = clip * gradient[j];
    const double m = beta1 * out[1][j] + (1 - beta1) * g;
    const double v = beta2 * out[2][j] + (1 - beta2) * g * g;
    const double w = out[0][j];
    const double next = w - schedule[0] * decay * w -
                        schedule[0] * m * schedule[1] / (std::sqrt(v * schedule[2]) + eps);
    out[0][j] = next;
    out[1][j] = m;
    out[2][j] = v;
    out[3][j] = keep * out[3][j] + (1 - keep) * next;
  }
  return arraysOf(info, out);
}

/// sgdStep(gradient, rate, clip, weight, velocity, momentum and decay, nesterov) -> [weight, velocity]
static Napi::Value sgdStep(Info info) {
  const double *gradient = doubles(info, 0), *weight = doubles(info, 3), *velocity = doubles(info, 4);
  const double rate = doubles(info, 1)[0], clip = doubles(info, 2)[0];
  const double momentum = doubles(info, 5)[0], decay = doubles(info, 5)[1];
  const bool nesterov = flag(info, 6);
  const size_t count = info[0].As<Napi::Float64Array>().ElementLength();
  auto w = Napi::Float64Array::New(info.Env(), count), b = Napi::Float64Array::New(info.Env(), count);
  for (size_t j = 0; j < count; j++) {
    const double g = clip * gradient[j] + decay * weight[j];
    const double next = momentum * velocity[j] + g;
    w[j] = clip == 0 ? weight[j] : weight[j] - rate * (nesterov ? g + momentum * next : next);
    b[j] = clip == 0 ? velocity[j] : next;
  }
  return arraysOf(info, {w, b});
}

/// squaredParts(gradient, squares, first, parts) -> squares, of which parts are written: part p takes every parts-th element
static Napi::Value squaredParts(Info info) {
  const double *gradient = doubles(info, 0), *squares = doubles(info, 1);
  const size_t first = whole(info, 2), parts = whole(info, 3);
  const size_t count = info[0].As<Napi::Float64Array>().ElementLength();
  const size_t size = info[1].As<Napi::Float64Array>().ElementLength();
  auto result = Napi::Float64Array::New(info.Env(), size);
  for (size_t i = 0; i < size; i++) result[i] = squares[i];
  for (size_t p = 0; p < parts; p++) {
    double sum = 0;
    for (size_t i = p; i < count; i += parts) sum += gradient[i] * gradient[i];
    result[first + p] = sum;
  }
  return result;
}

/// clipFactor(square, largest) -> [clip]
static Napi::Value clipFactor(Info info) {
  const double norm = std::sqrt(doubles(info, 0)[0]), largest = doubles(info, 1)[0];
  auto result = Napi::Float64Array::New(info.Env(), 1);
  result[0] = std::isfinite(norm) ? std::min(1.0, largest / (norm + 1e-6)) : 0;
  return result;
}

REFERENCE(adamwStep);
REFERENCE(sgdStep);
REFERENCE(squaredParts);
REFERENCE(clipFactor);

}  // namespace reference
