#include "activation.h"
#include "reference.h"

namespace reference {

/// Sizes of a convolution of [batches, channels, height, width] to [batches, outChannels, outHeight, outWidth].
struct ConvSizes {
  size_t batches, channels, height, width, outChannels, outHeight, outWidth, kernelHeight, kernelWidth;
  int64_t strideY, strideX, paddingY, paddingX, dilationY, dilationX;

  size_t plane() const { return outHeight * outWidth; }
};

/// The sizes from an Int32Array argument, in the order of the struct.
static ConvSizes sizesArgument(Info info, size_t i) {
  const int32_t* v = ints(info, i);
  return {size_t(v[0]), size_t(v[1]), size_t(v[2]), size_t(v[3]), size_t(v[4]), size_t(v[5]), size_t(v[6]), size_t(v[7]),
          size_t(v[8]), v[9], v[10], v[11], v[12], v[13], v[14]};
}

/// Adds the convolution of one batch element with one output channel's weights to sum [outHeight, outWidth].
static void convolve(const ConvSizes& s, const double* image, const double* weight, double* sum) {
  for (size_t c = 0; c < s.channels; c++) {
    for (size_t i = 0; i < s.kernelHeight; i++) {
      for (size_t j = 0; j < s.kernelWidth; j++) {
        const double factor = weight[(c * s.kernelHeight + i) * s.kernelWidth + j];
        for (size_t y = 0; y < s.outHeight; y++) {
          const int64_t atY = int64_t(y) * s.strideY - s.paddingY + int64_t(i) * s.dilationY;
          if (atY < 0 || atY >= int64_t(s.height)) continue;
          const double* row = image + (c * s.height + atY) * s.width;
          for (size_t x = 0; x < s.outWidth; x++) {
            const int64_t atX = int64_t(x) * s.strideX - s.paddingX + int64_t(j) * s.dilationX;
            if (atX >= 0 && atX < int64_t(s.width)) sum[y * s.outWidth + x] += factor * row[atX];
          }
        }
      }
    }
  }
}

/// conv2d(input, weight, bias?, sizes, activation, negativeSlope) -> [batches, outChannels, outHeight, outWidth]
static Napi::Value conv2d(Info info) {
  const double *input = doubles(info, 0), *weight = doubles(info, 1), *bias = doubles(info, 2);
  const ConvSizes s = sizesArgument(info, 3);
  const Activation activation = activationArgument(info, 4);
  const size_t depth = s.channels * s.kernelHeight * s.kernelWidth;
  auto result = Napi::Float64Array::New(info.Env(), s.batches * s.outChannels * s.plane());
  double* out = result.Data();
  parallel(s.batches * s.outChannels, [&](size_t i) {
    const size_t batch = i / s.outChannels, o = i % s.outChannels;
    double* sum = out + i * s.plane();
    std::fill(sum, sum + s.plane(), bias ? bias[o] : 0);
    convolve(s, input + batch * s.channels * s.height * s.width, weight + o * depth, sum);
    for (size_t p = 0; p < s.plane(); p++) sum[p] = activation(sum[p]);
  });
  return result;
}

/// gated_conv2d(input, weight, bias?, gateWeight, gateBias?, mask?, sizes, activation, negativeSlope, gateChannels,
/// maskBatches) -> [batches, outChannels, outHeight, outWidth]
static Napi::Value gated_conv2d(Info info) {
  const double *input = doubles(info, 0), *weight = doubles(info, 1), *bias = doubles(info, 2);
  const double *gateWeight = doubles(info, 3), *gateBias = doubles(info, 4), *mask = doubles(info, 5);
  const ConvSizes s = sizesArgument(info, 6);
  const Activation activation = activationArgument(info, 7);
  const bool gatePerChannel = whole(info, 9) > 1, maskPerBatch = whole(info, 10) > 1;
  const size_t depth = s.channels * s.kernelHeight * s.kernelWidth;
  auto result = Napi::Float64Array::New(info.Env(), s.batches * s.outChannels * s.plane());
  double* out = result.Data();
  parallel(s.batches * s.outChannels, [&](size_t i) {
    const size_t batch = i / s.outChannels, o = i % s.outChannels, g = gatePerChannel ? o : 0;
    const double* image = input + batch * s.channels * s.height * s.width;
    double* sum = out + i * s.plane();
    std::vector<double> gate(s.plane(), gateBias ? gateBias[g] : 0);
    std::fill(sum, sum + s.plane(), bias ? bias[o] : 0);
    convolve(s, image, weight + o * depth, sum);
    convolve(s, image, gateWeight + g * depth, gate.data());
    for (size_t p = 0; p < s.plane(); p++) {
      const double open = mask ? mask[(maskPerBatch ? batch * s.plane() : 0) + p] : 1;
      sum[p] = activation(sum[p]) / (1 + std::exp(-gate[p])) * open;
    }
  });
  return result;
}

/// conv2d_weight_gradient(input, gradient [batches, outChannels, outHeight, outWidth], sizes)
///   -> [outChannels, channels, kernelHeight, kernelWidth]
static Napi::Value conv2d_weight_gradient(Info info) {
  const double *input = doubles(info, 0), *gradient = doubles(info, 1);
  const ConvSizes s = sizesArgument(info, 2);
  auto result = Napi::Float64Array::New(info.Env(), s.outChannels * s.channels * s.kernelHeight * s.kernelWidth);
  double* out = result.Data();
  parallel(result.ElementLength(), [&](size_t index) {
    const size_t j = index % s.kernelWidth, i = index / s.kernelWidth % s.kernelHeight;
    const size_t c = index / s.kernelWidth / s.kernelHeight % s.channels;
    const size_t o = index / s.kernelWidth / s.kernelHeight / s.channels;
    double sum = 0;
    for (size_t b = 0; b < s.batches; b++) {
      for (size_t y = 0; y < s.outHeight; y++) {
        const int64_t atY = int64_t(y) * s.strideY - s.paddingY + int64_t(i) * s.dilationY;
        if (atY < 0 || atY >= int64_t(s.height)) continue;
        for (size_t x = 0; x < s.outWidth; x++) {
          const int64_t atX = int64_t(x) * s.strideX - s.paddingX + int64_t(j) * s.dilationX;
          if (atX < 0 || atX >= int64_t(s.width)) continue;
          sum += gradient[((b * s.outChannels + o) * s.outHeight + y) * s.outWidth + x] *
                 input[((b * s.channels + c) * s.height + atY) * s.width + atX];
        }
      }
    }
    out[index] = sum;
  });
  return result;
}

/// gate_sums(sums [batches, outChannels + gateChannels, plane], mask?, batches, outChannels, gateChannels, plane,
/// maskBatches, activation, negativeSlope) -> [batches, outChannels, plane]
static Napi::Value gate_sums(Info info) {
  const double *sums = doubles(info, 0), *mask = doubles(info, 1);
  const size_t batches = whole(info, 2), outChannels = whole(info, 3), gates = whole(info, 4);
  const size_t plane = whole(info, 5), maskBatches = whole(info, 6);
  const Activation activation = activationArgument(info, 7);
  auto result = Napi::Float64Array::New(info.Env(), batches * outChannels * plane);
  double* out = result.Data();
  parallel(batches * outChannels, [&](size_t i) {
    const size_t batch = i / outChannels, o = i % outChannels;
    const double* value = sums + (batch * (outChannels + gates) + o) * plane;
    const double* gate = sums + (batch * (outChannels + gates) + outChannels + (gates > 1 ? o : 0)) * plane;
    for (size_t p = 0; p < plane; p++) {
      const double open = mask ? mask[(maskBatches > 1 ? batch * plane : 0) + p] : 1;
      out[i * plane + p] = activation(value[p]) / (1 + std::exp(-gate[p])) * open;
    }
  });
  return result;
}

REFERENCE(conv2d);
REFERENCE(gate_sums);
REFERENCE(conv2d_weight_gradient);
REFERENCE(gated_conv2d);

}  // namespace reference
