#include "reference.h"

namespace reference {

/// rotary(x [B, H, L, D], positions [B, L], sizes: Uint32Array of B, H, L, D; theta, inverse) -> [B, H, L, D]
static Napi::Value rotary(Info info) {
  const double* x = doubles(info, 0);
  const uint32_t *positions = uints(info, 1), *sizes = uints(info, 2);
  const size_t batches = sizes[0], heads = sizes[1], length = sizes[2], size = sizes[3];
  const double theta = real(info, 3);
  const double sign = flag(info, 4) ? -1 : 1;
  auto result = Napi::Float64Array::New(info.Env(), batches * heads * length * size);
  double* out = result.Data();
  parallel(batches * heads * length, [&](size_t row) {
    const double position = positions[row / length / heads * length + row % length];
    const double* in = x + row * size;
    for (size_t i = 0; i < size / 2; i++) {
      const double angle = sign * position * std::pow(theta, -2.0 * i / size);
      const double a = in[i], b = in[i + size / 2];
      out[row * size + i] = a * std::cos(angle) - b * std::sin(angle);
      out[row * size + i + size / 2] = b * std::cos(angle) + a * std::sin(angle);
    }
  });
  return result;
}

REFERENCE(rotary);

}  // namespace reference
