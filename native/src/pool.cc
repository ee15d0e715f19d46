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

/// pool_gradient(x [planes, height, width], gradient [planes, out height, out width], sizes as for pool; maximum,
///   count_padding) -> [planes, height, width]
static Napi::Value pool_gradient(Info info) {
  const double *x = doubles(info, 0), *gradient = doubles(info, 1);
  const uint32_t* sizes = uints(info, 2);
  const int64_t planes = sizes[0], height = sizes[1], width = sizes[2], out_height = sizes[3];
  const int64_t out_width = sizes[4], kernel_height = sizes[5], kernel_width = sizes[6];
  const int64_t stride_y = sizes[7], stride_x = sizes[8], padding_y = sizes[9], padding_x = sizes[10];
  const bool maximum = flag(info, 3), count_padding = flag(info, 4);
  auto result = Napi::Float64Array::New(info.Env(), planes * height * width);
  double* out = result.Data();
  std::fill(out, out + planes * height * width, 0);
  parallel(planes, [&](int64_t plane) {
    for (int64_t i = 0; i < out_height * out_width; i++) {
      const int64_t top = i / out_width * stride_y - padding_y, left = i % out_width * stride_x - padding_x;
      std::vector<int64_t> cells;
      for (int64_t row = std::max<int64_t>(top, 0); row < std::min(top + kernel_height, height); row++) {
        for (int64_t column = std::max<int64_t>(left, 0); column < std::min(left + kernel_width, width); column++) {
          cells.push_back((plane * height + row) * width + column);
        }
      }
      const double share = gradient[plane * out_height * out_width + i];
      if (maximum) {
        // The first of equal ones.
        out[*std::max_element(cells.begin(), cells.end(), [&](int64_t a, int64_t b) { return x[a] < x[b]; })] += share;
      } else {
        const int64_t count = count_padding ? kernel_height * kernel_width : int64_t(cells.size());
        for (int64_t cell : cells) out[cell] += share / count;
      }
    }
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

/// resize_bilinear_gradient(gradient [planes, out_height, out_width], planes, height, width, out_height, out_width)
///   -> [planes, height, width]
static Napi::Value resize_bilinear_gradient(Info info) {
  const double* gradient = doubles(info, 0);
  const size_t planes = whole(info, 1), height = whole(info, 2), width = whole(info, 3);
  const size_t out_height = whole(info, 4), out_width = whole(info, 5);
  auto result = Napi::Float64Array::New(info.Env(), planes * height * width);
  double* out = result.Data();
  std::fill(out, out + planes * height * width, 0);
  const auto place = [](size_t i, size_t from, size_t to) {
    return std::max(0.0, (i + 0.5) * from / to - 0.5);
  };
  parallel(planes, [&](size_t plane) {
    double* cells = out + plane * height * width;
    for (size_t i = 0; i < out_height * out_width; i++) {
      const double y = place(i / out_width, height, out_height), x = place(i % out_width, width, out_width);
      const size_t top = static_cast<size_t>(y), bottom = std::min(top + 1, height - 1);
      const size_t left = static_cast<size_t>(x), right = std::min(left + 1, width - 1);
      const double share = gradient[plane * out_height * out_width + i];
      cells[top * width + left] += share * (1 - (y - top)) * (1 - (x - left));
      cells[top * width + right] += share * (1 - (y - top)) * (x - left);
      cells[bottom * width + left] += share * (y - top) * (1 - (x - left));
      cells[bottom * width + right] += share * (y - top) * (x - left);
    }
  });
  return result;
}

REFERENCE(pool);
REFERENCE(pool_gradient);
REFERENCE(resize_bilinear);
REFERENCE(resize_bilinear_gradient);

}  // namespace reference
