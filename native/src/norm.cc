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

/// The gradients of a normalization whose groups and channels lie as src/ops/norm/norm-groups.ts says:
/// normGradient(x, gradient [as x], weight?, bias? [C], scale? [B, C], layout: Uint32Array of groups, span, stride,
/// spatial, channelGroups, sampleGroups; eps, statistic) -> those of x, weight, bias, scale and shift in one array
static Napi::Value normGradient(Info info) {
  const double *x = doubles(info, 0), *gradient = doubles(info, 1);
  const double *weight = doubles(info, 2), *bias = doubles(info, 3), *scale = doubles(info, 4);
  const uint32_t* layout = uints(info, 5);
  const size_t groups = layout[0], span = layout[1], stride = layout[2], spatial = layout[3];
  const size_t channelGroups = layout[4], samples = groups / layout[5], channels = channelGroups * span / spatial;
  const double eps = real(info, 6);
  const bool centered = whole(info, 7) == 0, isNorm = whole(info, 7) == 2;
  auto result = Napi::Float64Array::New(info.Env(), groups * span + 2 * (1 + samples) * channels);
  std::fill_n(result.Data(), result.ElementLength(), 0.0);
  double* xGradient = result.Data();
  double *weightGradient = xGradient + groups * span, *biasGradient = weightGradient + channels;
  double *scaleGradient = biasGradient + channels, *shiftGradient = scaleGradient + samples * channels;
  for (size_t group = 0; group < groups; group++) {
    const size_t start = group / stride * span * stride + group % stride;
    const double mean = centered ? meanOf(x + start, span, stride) : 0;
    const double square = spreadOf(x + start, span, stride, mean);
    const double norm = std::sqrt(square * span);
    const double deviation = isNorm ? std::max(norm, eps) : std::sqrt(square + eps);
    double sumH = 0, sumHn = 0;
    std::vector<double> h(span), normalized(span);
    for (size_t i = 0; i < span; i++) {
      const size_t at = start + i * stride, channel = group % channelGroups * (span / spatial) + i / spatial;
      const size_t styled = group / layout[5] * channels + channel;
      const double g = gradient[at], style = scale ? 1 + scale[styled] : 1, factor = weight ? weight[channel] : 1;
      normalized[i] = (x[at] - mean) / deviation;
      h[i] = g * factor * style;
      sumH += h[i];
      sumHn += h[i] * normalized[i];
      weightGradient[channel] += g * style * normalized[i];
      biasGradient[channel] += g * style;
      scaleGradient[styled] += g * (normalized[i] * factor + (bias ? bias[channel] : 0));
      shiftGradient[styled] += g;
    }
    for (size_t i = 0; i < span; i++) {
      double d = h[i];
      if (centered) d -= sumH / span;
      if (!isNorm) d -= normalized[i] * sumHn / span;
      if (isNorm && norm > eps) d -= normalized[i] * sumHn;
      xGradient[start + i * stride] = d / deviation;
    }
  }
  return result;
}

/// batchNormGradient(x, gradient [batch, channels, spatial], mean, variance, weight? [channels], channels, spatial, eps)
///   -> [4, channels]: the gradients of mean, variance, weight and bias
static Napi::Value batchNormGradient(Info info) {
  const double *x = doubles(info, 0), *gradient = doubles(info, 1);
  const double *mean = doubles(info, 2), *variance = doubles(info, 3), *weight = doubles(info, 4);
  const size_t channels = whole(info, 5), spatial = whole(info, 6);
  const double eps = real(info, 7);
  const size_t size = info[0].As<Napi::Float64Array>().ElementLength();
  auto result = Napi::Float64Array::New(info.Env(), 4 * channels);
  double* out = result.Data();
  std::fill_n(out, 4 * channels, 0.0);
  for (size_t i = 0; i < size; i++) {
    const size_t channel = i / spatial % channels;
    const double square = variance[channel] + eps, centered = x[i] - mean[channel];
    const double factor = weight ? weight[channel] : 1;
    out[channel] -= gradient[i] * factor / std::sqrt(square);
    out[channels + channel] -= gradient[i] * factor * centered / 2 * std::pow(square, -1.5);
    out[2 * channels + channel] += gradient[i] * centered / std::sqrt(square);
    out[3 * channels + channel] += gradient[i];
  }
  return result;
}

/// channelMomentsGradient(x [batch, channels, spatial], mean, meanGradient?, varianceGradient? [channels], channels,
/// spatial) -> as x
static Napi::Value channelMomentsGradient(Info info) {
  const double *x = doubles(info, 0), *mean = doubles(info, 1);
  const double *meanGradient = doubles(info, 2), *varianceGradient = doubles(info, 3);
  const size_t channels = whole(info, 4), spatial = whole(info, 5);
  const size_t size = info[0].As<Napi::Float64Array>().ElementLength();
  auto result = Napi::Float64Array::New(info.Env(), size);
  double* out = result.Data();
  for (size_t i = 0; i < size; i++) {
    const size_t channel = i / spatial % channels, count = size / channels;
    const double centered = x[i] - mean[channel];
    out[i] = (meanGradient ? meanGradient[channel] / count : 0) +
             (varianceGradient ? 2 * varianceGradient[channel] * centered / count : 0);
  }
  return result;
}

REFERENCE(groupNorm);
REFERENCE(batchNormGradient);
REFERENCE(channelMomentsGradient);
REFERENCE(normGradient);
REFERENCE(l2Normalize);
REFERENCE(channelMoments);
REFERENCE(batchNorm);

}  // namespace reference
