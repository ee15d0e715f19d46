#include "reference.h"

namespace reference {

/// attention(query [B, H, Lq, D], key [B, Hkv, Lk, D], value [B, Hkv, Lk, D], bias? [B, H, Lq, Lk],
///   keyWeight? [B, Lk], queryGroups [B, Lq], keyGroups [B, Lk], sizes: Uint32Array of B, H, Hkv, Lq, Lk, D; scale)
///   -> [B, H, Lq, D + 1]: the output, and the log-sum-exp (minus infinity where no key is attended)
static Napi::Value attention(Info info) {
  const double *query = doubles(info, 0), *key = doubles(info, 1), *value = doubles(info, 2);
  const double *bias = doubles(info, 3), *weight = doubles(info, 4);
  const uint32_t *queryGroups = uints(info, 5), *keyGroups = uints(info, 6), *sizes = uints(info, 7);
  const size_t batches = sizes[0], heads = sizes[1], keyHeads = sizes[2];
  const size_t queries = sizes[3], keys = sizes[4], size = sizes[5];
  const double scale = real(info, 8);
  auto result = Napi::Float64Array::New(info.Env(), batches * heads * queries * (size + 1));
  double* out = result.Data();
  parallel(batches * heads * queries, [&](size_t row) {
    const size_t i = row % queries, head = row / queries % heads, batch = row / queries / heads;
    const size_t first = (batch * keyHeads + head / (heads / keyHeads)) * keys;
    const auto counts = [&](size_t j) {
      if (keyGroups[batch * keys + j] > queryGroups[batch * queries + i]) return 0.0;
      return weight ? weight[batch * keys + j] : 1.0;
    };
    std::vector<double> scores(keys);
    double maximum = -std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < keys; j++) {
      double product = 0;
      for (size_t d = 0; d < size; d++) product += query[row * size + d] * key[(first + j) * size + d];
      scores[j] = scale * product + (bias ? bias[row * keys + j] : 0);
      if (counts(j) > 0) maximum = std::max(maximum, scores[j]);
    }
    double* sums = out + row * (size + 1);
    std::fill_n(sums, size, 0.0);
    double total = 0;
    for (size_t j = 0; j < keys; j++) {
      if (counts(j) == 0) continue;
      const double p = counts(j) * std::exp(scores[j] - maximum);
      total += p;
      for (size_t d = 0; d < size; d++) sums[d] += p * value[(first + j) * size + d];
    }
    for (size_t d = 0; d < size && total > 0; d++) sums[d] /= total;
    sums[size] = maximum + std::log(total);
  });
  return result;
}

/// The gradients of attention, whose results the gradients are of; the first arguments are those of attention:
/// attentionGradient(query, key, value, bias?, keyWeight?, queryGroups, keyGroups, sizes, scale, outputGradient? [B, H,
///   Lq, D], logSumExpGradient? [B, H, Lq]) -> those of query, key, value and weights (B, Lk) in one array
static Napi::Value attentionGradient(Info info) {
  const double *query = doubles(info, 0), *key = doubles(info, 1), *value = doubles(info, 2);
  const double *bias = doubles(info, 3), *weight = doubles(info, 4);
  const uint32_t *queryGroups = uints(info, 5), *keyGroups = uints(info, 6), *sizes = uints(info, 7);
  const size_t batches = sizes[0], heads = sizes[1], keyHeads = sizes[2];
  const size_t queries = sizes[3], keys = sizes[4], size = sizes[5];
  const double scale = real(info, 8);
  const double *gradient = doubles(info, 9), *logSumExpGradient = doubles(info, 10);
  const size_t queryCount = batches * heads * queries * size, keyCount = batches * keyHeads * keys * size;
  const size_t count = queryCount + 2 * keyCount + batches * keys;
  auto result = Napi::Float64Array::New(info.Env(), count);
  double* ofQuery = result.Data();
  double *ofKey = ofQuery + queryCount, *ofValue = ofKey + keyCount, *ofWeight = ofValue + keyCount;
  std::fill_n(ofQuery, count, 0.0);
  const auto dot = [&](const double* a, const double* b) {
    double sum = 0;
    for (size_t d = 0; d < size; d++) sum += a[d] * b[d];
    return sum;
  };
  for (size_t row = 0; row < batches * heads * queries; row++) {
    const size_t i = row % queries, head = row / queries % heads, batch = row / queries / heads;
    const size_t first = (batch * keyHeads + head / (heads / keyHeads)) * keys;
    const double* q = query + row * size;
    std::vector<double> p(keys, 0), ofP(keys, 0);
    double maximum = -std::numeric_limits<double>::infinity(), total = 0, mean = 0;
    const auto mayAttend = [&](size_t j) { return keyGroups[batch * keys + j] <= queryGroups[batch * queries + i]; };
    const auto counts = [&](size_t j) {
      if (!mayAttend(j)) return 0.0;
      return weight ? weight[batch * keys + j] : 1.0;
    };
    const auto score = [&](size_t j) {
      return scale * dot(q, key + (first + j) * size) + (bias ? bias[row * keys + j] : 0);
    };
    for (size_t j = 0; j < keys; j++) {
      if (counts(j) > 0) maximum = std::max(maximum, score(j));
    }
    for (size_t j = 0; j < keys; j++) {
      if (counts(j) > 0) total += p[j] = counts(j) * std::exp(score(j) - maximum);
    }
    if (total == 0) continue;
    for (size_t j = 0; j < keys; j++) {
      p[j] /= total;
      if (gradient) ofP[j] = dot(gradient + row * size, value + (first + j) * size);
      mean += p[j] * ofP[j];
    }
    for (size_t j = 0; j < keys; j++) {
      const double excess = ofP[j] - mean + (logSumExpGradient ? logSumExpGradient[row] : 0);
      const double ofScore = p[j] * excess;
      if (mayAttend(j)) ofWeight[batch * keys + j] += std::exp(score(j) - maximum) / total * excess;
      for (size_t d = 0; d < size; d++) {
        const size_t at = (first + j) * size + d;
        ofQuery[row * size + d] += scale * ofScore * key[at];
        ofKey[at] += scale * ofScore * q[d];
        if (gradient) ofValue[at] += p[j] * gradient[row * size + d];
      }
    }
  }
  return result;
}

REFERENCE(attention);
REFERENCE(attentionGradient);

}  // namespace reference
