#include "reference.h"

namespace reference {

/// pool(x [planes, height, width], sizes: Uint32Array of planes, height, width, out height, out width, kernel
///   height, kernel width, stride y, stride x, padding y, padding x; maximum, count_padding)
///   -> [planes, out height, out width]
static Napi::Value pool(Info info) {
  const double* x = doubles(info, 0);
  const uint32_t* sizes = uints(info, 1);
  const int64_t planes = sizes[0], height = sizes[1], width = sizes[2], out_height = sizes[3];
  const int64_t out_width = sizes[4], kernel_height = sizes[5], kernel_width = sizes[6];
  const int64_t stride_y = sizes[7], stride_x = sizes[8], padding_y = sizes[9], padding_x = sizes[10];
  const bool maximum = flag(info, 2), count_padding = flag(info, 3);
  auto result = Napi::Float64Array::New(info.Env(), planes * out_height * out_width);
  double* out = result.Data();
  parallel(planes * out_height * out_width, [&](int64_t i) {
    const int64_t plane = i / (out_height * out_width);
    const int64_t top = i / out_width % out_height * stride_y - padding_y;
    const int64_t left = i % out_width * stride_x - padding_x;
    double sum = 0, largest = -std::numeric_limits<double>::infinity();
    int64_t count = 0;
    for (int64_t row = top; row < top + kernel_height; row++) {
      for (int64_t column = left; column < left + kernel_width; column++) {
        const bool inside = row >= 0 && row < height && column >= 0 && column < width;
        if (inside) {
          const double value = x[(plane * height + row) * width + column];
          sum += value;
          largest = std::max(largest, value);
        }
        count += inside || count_padding;
      }
    }
    out[i] = maximum ? largest : sum / count;
  });
  return result;
}

/// resize_bilinear(x [planes, height, width], planes, height, width, out_height, out_width)
///   -> [planes, out_height, out_width]
static Napi::Value resize_bilinear(Info info) {
  const double* x = doubles(info, 0);
  const size_t planes = whole(info, 1), height = whole(info, 2), width = whole(info, 3);
  const size_t out_height = whole(info, 4), out_width = whole(info, 5);
  auto result = Napi::Float64Array::New(info.Env(), planes * out_height * out_width);
  double* out = result.Data();
  const auto place = [](size_t i, size_t from, size_t to) {
    return std::max(0.0, (i + 0.5) * from / to - 0.5);
  };
  parallel(planes * out_height, [&](size_t i) {
    const double* plane = x + i / out_height * height * width;
    const double y = place(i % out_height, height, out_height);
    const size_t top = static_cast<size_t>(y), bottom = std::min(top + 1, height - 1);
    for (size_t column = 0; column < out_width; column++) {
      const double at = place(column, width, out_width);
      const size_t left = static_cast<size_t>(at), right = std::min(left + 1, width - 1);
      const auto along = [&](size_t row) {
        return plane[row * width + left] * (1 - (at - left)) + plane[row * width + right] * (at - left);
      };
      out[i * out_width + column] = along(top) * (1 - (y - top)) + along(bottom) * (y - top);
    }
  });
  return result;
}

REFERENCE(pool);
REFERENCE(resize_bilinear);

}  // namespace reference
