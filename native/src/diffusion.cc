#include "reference.h"

namespace reference {

/// q_sample(x0 [batch, inner], noise, t [batch], roots [T, 2], batch, inner) -> [batch, inner]
static Napi::Value q_sample(Info info) {
  const double* x0 = doubles(info, 0);
  const double* noise = doubles(info, 1);
  const uint32_t* t = uints(info, 2);
  const double* roots = doubles(info, 3);
  const size_t batch = whole(info, 4), inner = whole(info, 5);
  auto result = Napi::Float64Array::New(info.Env(), batch * inner);
  double* out = result.Data();
  parallel(batch, [&](size_t b) {
    for (size_t i = b * inner; i < (b + 1) * inner; i++) {
      out[i] = roots[2 * t[b]] * x0[i] + roots[2 * t[b] + 1] * noise[i];
    }
  });
  return result;
}

/// ddim_step(x [size], predicted, noise or undefined, alpha_bar, next_alpha_bar, eta, low, high, size)
///   -> [size]; eq. 12 and 16 of DDIM as they stand there, with x0 for the prediction
static Napi::Value ddim_step(Info info) {
  const double* x = doubles(info, 0);
  const double* predicted = doubles(info, 1);
  const double* noise = doubles(info, 2);
  const double now = real(info, 3), next = real(info, 4), eta = real(info, 5);
  const double low = real(info, 6), high = real(info, 7);
  const size_t size = whole(info, 8);
  auto result = Napi::Float64Array::New(info.Env(), size);
  double* out = result.Data();
  const double sigma = eta * std::sqrt((1 - next) / (1 - now)) * std::sqrt(1 - now / next);
  for (size_t i = 0; i < size; i++) {
    const double x0 = std::min(std::max(predicted[i], low), high);
    const double epsilon = (x[i] - std::sqrt(now) * x0) / std::sqrt(1 - now);
    out[i] = std::sqrt(next) * x0 + std::sqrt(std::max(0.0, 1 - next - sigma * sigma)) * epsilon;
    if (noise) out[i] += sigma * noise[i];
  }
  return result;
}

/// time_embedding(t [batch], batch, width, max_period) -> [batch, width]
static Napi::Value time_embedding(Info info) {
  const uint32_t* t = uints(info, 0);
  const size_t batch = whole(info, 1), width = whole(info, 2), half = width / 2;
  const double max_period = real(info, 3);
  auto result = Napi::Float64Array::New(info.Env(), batch * width);
  double* out = result.Data();
  for (size_t b = 0; b < batch; b++) {
    for (size_t i = 0; i < half; i++) {
      const double angle = t[b] * std::pow(max_period, -static_cast<double>(i) / half);
      out[b * width + i] = std::cos(angle);
      out[b * width + half + i] = std::sin(angle);
    }
    if (width % 2) out[b * width + width - 1] = 0;
  }
  return result;
}

REFERENCE(q_sample);
REFERENCE(ddim_step);
REFERENCE(time_embedding);

}  // namespace reference
