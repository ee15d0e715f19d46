#include "shape.h"

namespace reference {

/// Makes a result of `shape` whose element at each index is value(index).
template <typename Value>
static Napi::Value fromIndices(Info info, const Shape& shape, Value value) {
  auto result = Napi::Float64Array::New(info.Env(), sizeOf(shape));
  double* out = result.Data();
  parallel(sizeOf(shape), [&](size_t i) { out[i] = value(indexAt(i, shape)); });
  return result;
}

/// permute(x, shape, axes): axis k of the result is axis axes[k] of x
static Napi::Value permute(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), axes = shapeArgument(info, 2);
  Shape permuted;
  for (size_t axis : axes) permuted.push_back(shape[axis]);
  return fromIndices(info, permuted, [&](const Shape& index) {
    Shape source(shape.size());
    for (size_t k = 0; k < axes.size(); k++) source[axes[k]] = index[k];
    return x[positionOf(source, shape)];
  });
}

/// slice(x, shape, starts, sizes, steps: Int32Array)
static Napi::Value slice(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), starts = shapeArgument(info, 2), sizes = shapeArgument(info, 3);
  const int32_t* steps = ints(info, 4);
  return fromIndices(info, sizes, [&](Shape index) {
    for (size_t k = 0; k < index.size(); k++) index[k] = starts[k] + steps[k] * static_cast<int64_t>(index[k]);
    return x[positionOf(index, shape)];
  });
}

/// broadcastTo(x, shape, target)
static Napi::Value broadcastTo(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), target = shapeArgument(info, 2);
  return fromIndices(info, target, [&](const Shape& index) { return x[broadcastPosition(index, shape)]; });
}

/// concat([x...], [shape...], axis)
static Napi::Value concat(Info info) {
  const auto arrays = info[0].As<Napi::Array>(), shapes = info[1].As<Napi::Array>();
  const size_t axis = whole(info, 2);
  std::vector<const double*> parts;
  std::vector<Shape> partShapes;
  for (uint32_t k = 0; k < arrays.Length(); k++) {
    parts.push_back(Napi::Value(arrays[k]).As<Napi::Float64Array>().Data());
    const auto shape = Napi::Value(shapes[k]).As<Napi::Uint32Array>();
    partShapes.emplace_back(shape.Data(), shape.Data() + shape.ElementLength());
  }
  Shape shape = partShapes[0];
  shape[axis] = 0;
  for (const Shape& part : partShapes) shape[axis] += part[axis];
  return fromIndices(info, shape, [&](Shape index) {
    size_t k = 0;
    for (; index[axis] >= partShapes[k][axis]; k++) index[axis] -= partShapes[k][axis];
    return parts[k][positionOf(index, partShapes[k])];
  });
}

/// pad(x, shape, before, after, value)
static Napi::Value pad(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), before = shapeArgument(info, 2), after = shapeArgument(info, 3);
  const double value = real(info, 4);
  Shape padded = shape;
  for (size_t k = 0; k < shape.size(); k++) padded[k] += before[k] + after[k];
  return fromIndices(info, padded, [&](Shape index) {
    for (size_t k = 0; k < index.size(); k++) {
      if (index[k] < before[k] || index[k] >= before[k] + shape[k]) return value;
      index[k] -= before[k];
    }
    return x[positionOf(index, shape)];
  });
}

/// reverseSequence(x, batches, steps, width, lengths: Uint32Array)
static Napi::Value reverseSequence(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = {size_t(whole(info, 1)), size_t(whole(info, 2)), size_t(whole(info, 3))};
  const uint32_t* lengths = uints(info, 4);
  return fromIndices(info, shape, [&](Shape index) {
    const size_t length = std::min<size_t>(lengths[index[0]], shape[1]);
    if (index[1] < length) index[1] = length - 1 - index[1];
    return x[positionOf(index, shape)];
  });
}

REFERENCE(permute);
REFERENCE(slice);
REFERENCE(broadcastTo);
REFERENCE(concat);
REFERENCE(pad);
REFERENCE(reverseSequence);

}  // namespace reference
