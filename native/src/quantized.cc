#include "reference.h"

namespace reference {

/// The format of a quantised weight, as src/ops/quantized/quantization.ts tells it.
struct Format {
  size_t rows, columns, bits, group;

  Format(Info info, size_t i)
      : rows(whole(info, i)), columns(whole(info, i + 1)), bits(whole(info, i + 2)), group(whole(info, i + 3)) {}

  size_t words() const { return (columns + 31) / 32 * bits; }
  size_t groups() const { return (columns + group - 1) / group; }
  double halfRange() const { return double(size_t(1) << (bits - 1)); }
  /// The word of a number, and its lowest bit there.
  size_t word(size_t row, size_t k) const { return row * words() + k * bits / 32; }
  size_t bit(size_t k) const { return k * bits % 32; }
};

static double nearest(double steps, double halfRange) {
  return std::min(std::max(std::nearbyint(steps), -halfRange), halfRange - 1);
}

/// quantizeWeight(weight [rows, columns], rows, columns, bits, group) -> values [rows, words], scales [rows, groups].
/// A scale is an f32; of those tried the first with the least squared error.
static Napi::Value quantizeWeight(Info info) {
  const double* weight = doubles(info, 0);
  const Format format(info, 1);
  auto values = Napi::Uint32Array::New(info.Env(), format.rows * format.words());
  auto scales = Napi::Float64Array::New(info.Env(), format.rows * format.groups());
  uint32_t* word = values.Data();
  double* scale = scales.Data();
  const double half = format.halfRange();
  std::vector<double> factors{half / (half - 1)};
  if (format.bits == 4) factors.insert(factors.end(), {1, 0.92, 0.84, 0.76});
  parallel(format.rows, [&](size_t row) {
    const double* w = weight + row * format.columns;
    for (size_t group = 0; group < format.groups(); group++) {
      const size_t first = group * format.group, end = std::min(first + format.group, format.columns);
      double extreme = 0;
      for (size_t k = first; k < end; k++) {
        if (std::abs(w[k]) > std::abs(extreme)) extreme = w[k];
      }
      double best = 0, least = std::numeric_limits<double>::infinity();
      for (const double factor : factors) {
        const double tried = float(-extreme * factor), step = tried / half;
        double error = 0;
        for (size_t k = first; k < end && step != 0; k++) {
          error += std::pow(w[k] - nearest(w[k] / step, half) * step, 2);
        }
        if (error < least) {
          least = error;
          best = tried;
        }
      }
      scale[row * format.groups() + group] = best;
      for (size_t k = first; k < end && best != 0; k++) {
        const uint32_t q = int32_t(nearest(w[k] / best * half, half));
        word[format.word(row, k)] |= (q & ((1u << format.bits) - 1)) << format.bit(k);
      }
    }
  });
  auto result = Napi::Object::New(info.Env());
  result["values"] = values;
  result["scales"] = scales;
  return result;
}

/// dequantizeWeight(values [rows, words], scales [rows, groups], rows, columns, bits, group) -> [rows, columns]
static Napi::Value dequantizeWeight(Info info) {
  const uint32_t* values = uints(info, 0);
  const double* scales = doubles(info, 1);
  const Format format(info, 2);
  auto result = Napi::Float64Array::New(info.Env(), format.rows * format.columns);
  double* out = result.Data();
  const double half = format.halfRange();
  parallel(format.rows, [&](size_t row) {
    for (size_t k = 0; k < format.columns; k++) {
      const uint32_t q = values[format.word(row, k)] >> format.bit(k) & ((1u << format.bits) - 1);
      const double number = q < half ? double(q) : double(q) - 2 * half;
      out[row * format.columns + k] = number / half * scales[row * format.groups() + k / format.group];
    }
  });
  return result;
}

REFERENCE(quantizeWeight);
REFERENCE(dequantizeWeight);

}  // namespace reference
