#include "activation.h"
#include "reference.h"

namespace reference {

/// Matrices [count, rows, columns] transposed to [count, columns, rows].
static std::vector<double> transposed(const double* in, size_t count, size_t rows, size_t columns) {
  std::vector<double> out(count * rows * columns);
  for (size_t i = 0; i < count * rows; i++) {
    for (size_t j = 0; j < columns; j++) out[(i / rows * columns + j) * rows + i % rows] = in[i * columns + j];
  }
  return out;
}

/// matmul(a, b, bias?, batches, m, n, k, batchedA, batchedB, transposeA, transposeB, activation, negativeSlope)
/// -> [batches, m, n]
static Napi::Value matmul(Info info) {
  const double *a = doubles(info, 0), *b = doubles(info, 1), *bias = doubles(info, 2);
  const size_t batches = whole(info, 3), m = whole(info, 4), n = whole(info, 5), k = whole(info, 6);
  const bool batchedA = flag(info, 7), batchedB = flag(info, 8);
  const bool transposeA = flag(info, 9), transposeB = flag(info, 10);
  const Activation activation = activationArgument(info, 11);
  std::vector<double> rowsOfA, rowsOfB;
  if (transposeA) a = (rowsOfA = transposed(a, batchedA ? batches : 1, k, m)).data();
  if (transposeB) b = (rowsOfB = transposed(b, batchedB ? batches : 1, n, k)).data();
  auto result = Napi::Float64Array::New(info.Env(), batches * m * n);
  double* out = result.Data();
  parallel(batches * m, [&](size_t row) {
    const double* left = a + (batchedA ? row : row % m) * k;
    const double* right = b + (batchedB ? row / m * k * n : 0);
    double* sum = out + row * n;
    for (size_t j = 0; j < n; j++) sum[j] = bias ? bias[j] : 0;
    for (size_t i = 0; i < k; i++) {
      for (size_t j = 0; j < n; j++) sum[j] += left[i] * right[i * n + j];
    }
    for (size_t j = 0; j < n; j++) sum[j] = activation(sum[j]);
  });
  return result;
}

REFERENCE(matmul);

}  // namespace reference
