#include "reference.h"

namespace reference {

/// Cubic convolution with a = -1/2.
static double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/// Resamples a line of `before` numbers, `stride` apart, to `after`; what overshoots is cut to [0, 1].
static std::vector<double> resampled(const double* line, int64_t stride, int64_t before, int64_t after) {
  std::vector<double> out(after);
  const double ratio = double(before) / after, stretch = std::max(1.0, ratio);
  for (int64_t i = 0; i < after; i++) {
    double sum = 0, total = 0;
    for (int64_t j = 0; j < before; j++) {
      const double weight = cubic((j + 0.5 - (i + 0.5) * ratio) / stretch);
      sum += weight * line[j * stride];
      total += weight;
    }
    out[i] = std::min(1.0, std::max(0.0, sum / total));
  }
  return out;
}

/// resample_pixels(pixels [batches, height, width] u32, batches, height, width, out_height, out_width, mean, deviation)
///   -> [batches, 3, out_height, out_width]
static Napi::Value resample_pixels(Info info) {
  const uint32_t* pixels = uints(info, 0);
  const int64_t batches = whole(info, 1), height = whole(info, 2), width = whole(info, 3);
  const int64_t out_height = whole(info, 4), out_width = whole(info, 5);
  const double mean = real(info, 6), deviation = real(info, 7);
  auto result = Napi::Float64Array::New(info.Env(), batches * 3 * out_height * out_width);
  double* out = result.Data();
  parallel(batches * 3, [&](int64_t plane) {
    const uint32_t* picture = pixels + plane / 3 * height * width;
    const int shift = plane % 3 * 8;
    std::vector<double> narrow;
    for (int64_t y = 0; y < height; y++) {
      std::vector<double> row(width);
      for (int64_t x = 0; x < width; x++) row[x] = (picture[y * width + x] >> shift & 255) / 255.0;
      const std::vector<double> shorter = resampled(row.data(), 1, width, out_width);
      narrow.insert(narrow.end(), shorter.begin(), shorter.end());
    }
    for (int64_t x = 0; x < out_width; x++) {
      const std::vector<double> column = resampled(narrow.data() + x, out_width, height, out_height);
      for (int64_t y = 0; y < out_height; y++) {
        out[(plane * out_height + y) * out_width + x] = (column[y] - mean) / deviation;
      }
    }
  });
  return result;
}

REFERENCE(resample_pixels);

}  // namespace reference
