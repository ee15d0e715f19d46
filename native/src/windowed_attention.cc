#include "reference.h"

namespace reference {

/// The weights of the taps of one query, 0 for those outside of the sequence.
static std::vector<double> windowWeights(const double* query, const double* key, size_t channels, size_t length,
                                         size_t t, size_t taps, int64_t dilation) {
  std::vector<double> scores(taps, -std::numeric_limits<double>::infinity());
  for (size_t j = 0; j < taps; j++) {
    const int64_t step = int64_t(t) + (int64_t(j) - int64_t(taps / 2)) * dilation;
    if (step < 0 || step >= int64_t(length)) continue;
    double product = 0;
    for (size_t d = 0; d < channels; d++) product += query[d * length + t] * key[d * length + step];
    scores[j] = product / std::sqrt(double(channels));
  }
  const double maximum = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - maximum);
  for (double& score : scores) score /= total;
  return scores;
}

/// windowedAttention(query, key, value [B, D, T], sizes: Uint32Array of B, D, T, taps, dilation) -> [B, D, T]
static Napi::Value windowedAttention(Info info) {
  const double *query = doubles(info, 0), *key = doubles(info, 1), *value = doubles(info, 2);
  const uint32_t* sizes = uints(info, 3);
  const size_t batches = sizes[0], channels = sizes[1], length = sizes[2], taps = sizes[3], dilation = sizes[4];
  auto result = Napi::Float64Array::New(info.Env(), batches * channels * length);
  double* out = result.Data();
  std::fill_n(out, batches * channels * length, 0.0);
  parallel(batches * length, [&](size_t row) {
    const size_t t = row % length, first = row / length * channels * length;
    const auto weights = windowWeights(query + first, key + first, channels, length, t, taps, dilation);
    for (size_t j = 0; j < taps; j++) {
      if (weights[j] == 0) continue;
      const size_t step = t + j * dilation - taps / 2 * dilation;
      for (size_t d = 0; d < channels; d++) out[first + d * length + t] += weights[j] * value[first + d * length + step];
    }
  });
  return result;
}

/// windowedAttentionGradient(query, key, value, gradient [B, D, T], sizes) -> those of query, key and value in one array
static Napi::Value windowedAttentionGradient(Info info) {
  const double *query = doubles(info, 0), *key = doubles(info, 1), *value = doubles(info, 2);
  const double* gradient = doubles(info, 3);
  const uint32_t* sizes = uints(info, 4);
  const size_t batches = sizes[0], channels = sizes[1], length = sizes[2], taps = sizes[3], dilation = sizes[4];
  const size_t count = batches * channels * length;
  auto result = Napi::Float64Array::New(info.Env(), 3 * count);
  double *ofQuery = result.Data(), *ofKey = ofQuery + count, *ofValue = ofKey + count;
  std::fill_n(ofQuery, 3 * count, 0.0);
  for (size_t row = 0; row < batches * length; row++) {
    const size_t t = row % length, first = row / length * channels * length;
    const auto weights = windowWeights(query + first, key + first, channels, length, t, taps, dilation);
    const auto at = [&](size_t d, size_t j) { return first + d * length + t + j * dilation - taps / 2 * dilation; };
    std::vector<double> ofWeight(taps, 0);
    double mean = 0;
    for (size_t j = 0; j < taps; j++) {
      if (weights[j] == 0) continue;
      for (size_t d = 0; d < channels; d++) ofWeight[j] += gradient[first + d * length + t] * value[at(d, j)];
      mean += weights[j] * ofWeight[j];
    }
    for (size_t j = 0; j < taps; j++) {
      if (weights[j] == 0) continue;
      const double ofScore = weights[j] * (ofWeight[j] - mean) / std::sqrt(double(channels));
      for (size_t d = 0; d < channels; d++) {
        const size_t own = first + d * length + t;
        ofQuery[own] += ofScore * key[at(d, j)];
        ofKey[at(d, j)] += ofScore * query[own];
        ofValue[at(d, j)] += weights[j] * gradient[own];
      }
    }
  }
  return result;
}

REFERENCE(windowedAttention);
REFERENCE(windowedAttentionGradient);

}  // namespace reference
