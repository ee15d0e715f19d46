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

/// linear_cross_entropy_gradient(hidden [R, d], weight [V, d], targets [R], R, V, d, ignored?, loss_gradient? [R],
/// log_sum_exp_gradient? [R]) -> those of hidden and weight in one array
static Napi::Value linear_cross_entropy_gradient(Info info) {
  const double *hidden = doubles(info, 0), *weight = doubles(info, 1);
  const uint32_t* targets = uints(info, 2);
  const size_t rows = whole(info, 3), columns = whole(info, 4), depth = whole(info, 5);
  const int64_t ignored = info[6].IsUndefined() ? -1 : whole(info, 6);
  const double *loss_gradient = doubles(info, 7), *log_sum_exp_gradient = doubles(info, 8);
  auto result = Napi::Float64Array::New(info.Env(), (rows + columns) * depth);
  double *of_hidden = result.Data(), *of_weight = of_hidden + rows * depth;
  std::fill_n(of_hidden, (rows + columns) * depth, 0.0);
  for (size_t row = 0; row < rows; row++) {
    std::vector<double> logits(columns);
    for (size_t v = 0; v < columns; v++) {
      for (size_t k = 0; k < depth; k++) logits[v] += hidden[row * depth + k] * weight[v * depth + k];
    }
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double l : logits) sum += std::exp(l - largest);
    const size_t target = targets[row];
    const bool counts = target < columns && int64_t(target) != ignored;
    const double of_loss = loss_gradient && counts ? loss_gradient[row] : 0;
    const double of_sum = of_loss + (log_sum_exp_gradient ? log_sum_exp_gradient[row] : 0);
    for (size_t v = 0; v < columns; v++) {
      const double of_logit = of_sum * std::exp(logits[v] - largest) / sum - (v == target ? of_loss : 0);
      for (size_t k = 0; k < depth; k++) {
        of_hidden[row * depth + k] += of_logit * weight[v * depth + k];
        of_weight[v * depth + k] += of_logit * hidden[row * depth + k];
      }
    }
  }
  return result;
}

REFERENCE(linear_cross_entropy);
REFERENCE(linear_cross_entropy_gradient);

}  // namespace reference
