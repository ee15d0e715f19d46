#include <functional>

#include "activation.h"
#include "shape.h"

namespace reference {

/// unary(x, count, name, p, q, activation number, negative slope) -> [count]
/// A name that is none of these functions stands for the activation.
static Napi::Value unary(Info info) {
  const double* x = doubles(info, 0);
  const size_t count = whole(info, 1);
  const std::string name = info[2].ToString();
  const double p = real(info, 3), q = real(info, 4);
  const Activation activation = activationArgument(info, 5);
  const auto function = [&]() -> std::function<double(double)> {
    if (name == "neg") return [](double v) { return -v; };
    if (name == "abs") return [](double v) { return std::abs(v); };
    if (name == "sign") return [](double v) { return double((v > 0) - (v < 0)); };
    if (name == "square") return [](double v) { return v * v; };
    if (name == "sqrt") return [](double v) { return std::sqrt(v); };
    if (name == "rsqrt") return [](double v) { return 1 / std::sqrt(v); };
    if (name == "reciprocal") return [](double v) { return 1 / v; };
    if (name == "exp") return [](double v) { return std::exp(v); };
    if (name == "log") return [](double v) { return std::log(v); };
    if (name == "sin") return [](double v) { return std::sin(v); };
    if (name == "cos") return [](double v) { return std::cos(v); };
    if (name == "clamp") return [=](double v) { return std::min(std::max(v, p), q); };
    if (name == "scaleShift") return [=](double v) { return v * p + q; };
    if (name == "floor") return [](double v) { return std::floor(v); };
    if (name == "round") return [](double v) { return std::nearbyint(v); };
    return activation;
  }();
  auto result = Napi::Float64Array::New(info.Env(), count);
  double* out = result.Data();
  parallel(count, [&](size_t i) { out[i] = function(x[i]); });
  return result;
}

/// binary(a, shape of a, b, shape of b, shape, operator, of whole numbers) -> [shape]
static Napi::Value binary(Info info) {
  const double *a = doubles(info, 0), *b = doubles(info, 2);
  const Shape shapeA = shapeArgument(info, 1), shapeB = shapeArgument(info, 3), shape = shapeArgument(info, 4);
  const std::string name = info[5].ToString();
  const bool integers = flag(info, 6);
  const auto combine = [&]() -> std::function<double(double, double)> {
    if (name == "add") return [](double x, double y) { return x + y; };
    if (name == "sub") return [](double x, double y) { return x - y; };
    if (name == "mul") return [](double x, double y) { return x * y; };
    if (name == "div" && integers) return [](double x, double y) { return y == 0 ? x : std::trunc(x / y); };
    if (name == "div") return [](double x, double y) { return x / y; };
    if (name == "maximum") return [](double x, double y) { return std::max(x, y); };
    if (name == "minimum") return [](double x, double y) { return std::min(x, y); };
    if (name == "pow") {
      return [](double x, double y) {
        const bool odd = std::fmod(std::abs(y), 2) == 1;
        return (x < 0 && odd ? -1 : 1) * std::pow(std::abs(x), y);
      };
    }
    if (name == "equal") return [](double x, double y) { return double(x == y); };
    if (name == "notEqual") return [](double x, double y) { return double(x != y); };
    if (name == "less") return [](double x, double y) { return double(x < y); };
    if (name == "lessEqual") return [](double x, double y) { return double(x <= y); };
    if (name == "greater") return [](double x, double y) { return double(x > y); };
    if (name == "greaterEqual") return [](double x, double y) { return double(x >= y); };
    throw Napi::Error::New(info.Env(), "unknown operator " + name);
  }();
  auto result = Napi::Float64Array::New(info.Env(), sizeOf(shape));
  double* out = result.Data();
  parallel(sizeOf(shape), [&](size_t i) {
    const Shape index = indexAt(i, shape);
    out[i] = combine(a[broadcastPosition(index, shapeA)], b[broadcastPosition(index, shapeB)]);
  });
  return result;
}

/// where(mask, its shape, a, its shape, b, its shape, shape) -> [shape]
static Napi::Value where(Info info) {
  const double *mask = doubles(info, 0), *a = doubles(info, 2), *b = doubles(info, 4);
  const Shape shapeMask = shapeArgument(info, 1), shapeA = shapeArgument(info, 3), shapeB = shapeArgument(info, 5);
  const Shape shape = shapeArgument(info, 6);
  auto result = Napi::Float64Array::New(info.Env(), sizeOf(shape));
  double* out = result.Data();
  parallel(sizeOf(shape), [&](size_t i) {
    const Shape index = indexAt(i, shape);
    out[i] = mask[broadcastPosition(index, shapeMask)] != 0 ? a[broadcastPosition(index, shapeA)]
                                                            : b[broadcastPosition(index, shapeB)];
  });
  return result;
}

/// castInteger(x, count, signed) -> Int32Array or Uint32Array [count]: floats rounded towards zero, within range
static Napi::Value castInteger(Info info) {
  const double* x = doubles(info, 0);
  const size_t count = whole(info, 1);
  if (flag(info, 2)) {
    auto result = Napi::Int32Array::New(info.Env(), count);
    for (size_t i = 0; i < count; i++) {
      result[i] = static_cast<int32_t>(std::clamp(x[i], -2147483648.0, 2147483647.0));
    }
    return result;
  }
  auto result = Napi::Uint32Array::New(info.Env(), count);
  for (size_t i = 0; i < count; i++) result[i] = static_cast<uint32_t>(std::clamp(x[i], 0.0, 4294967295.0));
  return result;
}

/// unpackHalves(packed [ceil(count / 2)], count, bf16 instead of f16) -> [count]
static Napi::Value unpackHalves(Info info) {
  const uint32_t* packed = uints(info, 0);
  const size_t count = whole(info, 1);
  const bool brain = flag(info, 2);
  auto result = Napi::Float64Array::New(info.Env(), count);
  double* out = result.Data();
  const int exponent_bits = brain ? 8 : 5, fraction_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  for (size_t i = 0; i < count; i++) {
    const uint32_t bits = packed[i / 2] >> (16 * (i % 2)) & 0xffff;
    const int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
    const double fraction = bits & ((1 << fraction_bits) - 1);
    // Below the smallest exponent there is no leading one.
    const double leading = exponent > 0 ? 1 << fraction_bits : 0;
    const double magnitude = std::ldexp(leading + fraction, std::max(exponent, 1) - bias - fraction_bits);
    out[i] = bits & 0x8000 ? -magnitude : magnitude;
  }
  return result;
}

REFERENCE(unary);
REFERENCE(binary);
REFERENCE(where);
REFERENCE(castInteger);
REFERENCE(unpackHalves);

}  // namespace reference
