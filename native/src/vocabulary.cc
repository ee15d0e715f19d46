// The last layer of language models.
#include "reference.h"

namespace reference {

/// linear_cross_entropy(hidden [R, d], weight [V, d], targets [R], R, V, d, ignored?) -> { loss [R], logSumExp [R] }
static Napi::Value linear_cross_entropy(Info info) {
  const double *hidden = doubles(info, 0), *weight = doubles(info, 1);
  const uint32_t* targets = uints(info, 2);
  const size_t rows = whole(info, 3), columns = whole(info, 4), depth = whole(info, 5);
  const int64_t ignored = info[6].IsUndefined() ? -1 : whole(info, 6);
  auto losses = Napi::Float64Array::New(info.Env(), rows), sums = Napi::Float64Array::New(info.Env(), rows);
  double *loss = losses.Data(), *log_sum_exp = sums.Data();
  parallel(rows, [&](size_t row) {
    std::vector<double> logits(columns);
    for (size_t v = 0; v < columns; v++) {
      for (size_t k = 0; k < depth; k++) logits[v] += hidden[row * depth + k] * weight[v * depth + k];
    }
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double l : logits) sum += std::exp(l - largest);
    log_sum_exp[row] = largest + std::log(sum);
    const size_t target = targets[row];
    const bool counts = target < columns && int64_t(target) != ignored;
    loss[row] = counts ? largest - logits[target] + std::log(sum) : 0;
  });
  auto result = Napi::Object::New(info.Env());
  result.Set("loss", losses);
  result.Set("logSumExp", sums);
  return result;
}

REFERENCE(linear_cross_entropy);

}  // namespace reference
