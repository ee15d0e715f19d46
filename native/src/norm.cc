#include "activation.h"
#include "reference.h"

namespace reference {

static double meanOf(const double* x, size_t count, size_t stride) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i * stride];
  return sum / count;
}

/// Mean of (x - center)^2.
static double spreadOf(const double* x, size_t count, size_t stride, double center) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (x[i * stride] - center) * (x[i * stride] - center);
  return sum / count;
}

/// GroupNorm, and InstanceNorm and LayerNorm as cases of it:
/// groupNorm(x [samples, channels, spatial], weight? [channels], bias? [channels], scale? [samples, channels],
/// shift? [samples, channels], samples, channels, spatial, groups, eps, centered, activation, negativeSlope)
/// -> [samples, channels, spatial]; without `centered` the mean stays (RMSNorm)
static Napi::Value groupNorm(Info info) {
  const double *x = doubles(info, 0), *weight = doubles(info, 1), *bias = doubles(info, 2);
  const double *scale = doubles(info, 3), *shift = doubles(info, 4);
  const size_t samples = whole(info, 5), channels = whole(info, 6), spatial = whole(info, 7);
  const size_t groups = whole(info, 8);
  const double eps = real(info, 9);
  const bool centered = flag(info, 10);
  const Activation activation = activationArgument(info, 11);
  auto result = Napi::Float64Array::New(info.Env(), samples * channels * spatial);
  double* out = result.Data();
  parallel(samples * groups, [&](size_t group) {
    const size_t each = channels / groups, count = each * spatial;
    const double* in = x + group * count;
    const double mean = centered ? meanOf(in, count, 1) : 0;
    const double deviation = std::sqrt(spreadOf(in, count, 1, mean) + eps);
    for (size_t i = 0; i < count; i++) {
      const size_t sample = group / groups, channel = group % groups * each + i / spatial;
      const size_t styled = sample * channels + channel;
      double y = (in[i] - mean) / deviation;
      if (weight) y *= weight[channel];
      if (bias) y += bias[channel];
      if (scale) y *= 1 + scale[styled];
      if (shift) y += shift[styled];
      out[group * count + i] = activation(y);
    }
  });
  return result;
}

/// l2Normalize(x [outer, axis, inner], outer, axis, inner, eps) -> [outer, axis, inner]
static Napi::Value l2Normalize(Info info) {
  const double* x = doubles(info, 0);
  const size_t outer = whole(info, 1), axis = whole(info, 2), inner = whole(info, 3);
  const double eps = real(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), outer * axis * inner);
  double* out = result.Data();
  parallel(outer * inner, [&](size_t row) {
    const size_t start = row / inner * axis * inner + row % inner;
    const double norm = std::sqrt(spreadOf(x + start, axis, inner, 0) * axis);
    for (size_t i = 0; i < axis; i++) out[start + i * inner] = x[start + i * inner] / std::max(norm, eps);
  });
  return result;
}

/// channelMoments(x [batch, channels, spatial], batch, channels, spatial) -> [2, channels]: means, biased variances
static Napi::Value channelMoments(Info info) {
  const double* x = doubles(info, 0);
  const size_t batch = whole(info, 1), channels = whole(info, 2), spatial = whole(info, 3);
  auto result = Napi::Float64Array::New(info.Env(), 2 * channels);
  double* out = result.Data();
  parallel(channels, [&](size_t channel) {
    double mean = 0, variance = 0;
    for (size_t b = 0; b < batch; b++) mean += meanOf(x + (b * channels + channel) * spatial, spatial, 1) / batch;
    for (size_t b = 0; b < batch; b++) {
      variance += spreadOf(x + (b * channels + channel) * spatial, spatial, 1, mean) / batch;
    }
    out[channel] = mean;
    out[channels + channel] = variance;
  });
  return result;
}

/// batchNorm(x [batch, channels, spatial], mean, variance, weight?, bias? [channels], channels, spatial, eps,
/// activation, negativeSlope) -> as x
static Napi::Value batchNorm(Info info) {
  const double *x = doubles(info, 0), *mean = doubles(info, 1), *variance = doubles(info, 2);
  const double *weight = doubles(info, 3), *bias = doubles(info, 4);
  const size_t channels = whole(info, 5), spatial = whole(info, 6);
  const double eps = real(info, 7);
  const Activation activation = activationArgument(info, 8);
  const size_t size = info[0].As<Napi::Float64Array>().ElementLength();
  auto result = Napi::Float64Array::New(info.Env(), size);
  double* out = result.Data();
  parallel(size, [&](size_t i) {
    const size_t channel = i / spatial % channels;
    double y = (x[i] - mean[channel]) / std::sqrt(variance[channel] + eps);
    if (weight) y *= weight[channel];
    if (bias) y += bias[channel];
    out[i] = activation(y);
  });
  return result;
}

REFERENCE(groupNorm);
REFERENCE(l2Normalize);
REFERENCE(channelMoments);
REFERENCE(batchNorm);

}  // namespace reference
