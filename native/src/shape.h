// Shapes and indices for reference kernels that treat tensors of any rank. Written to be read: every element's
// index is made anew.
#pragma once
#include "reference.h"

namespace reference {

using Shape = std::vector<size_t>;

/// A shape (or a list of axes) given as a Uint32Array.
inline Shape shapeArgument(Info info, size_t i) {
  const auto array = info[i].As<Napi::Uint32Array>();
  return Shape(array.Data(), array.Data() + array.ElementLength());
}

inline size_t sizeOf(const Shape& shape) {
  size_t size = 1;
  for (size_t axis : shape) size *= axis;
  return size;
}

/// The index of the element at a row-major position.
inline Shape indexAt(size_t position, const Shape& shape) {
  Shape index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; position /= shape[axis]) index[axis] = position % shape[axis];
  return index;
}

/// The row-major position of the element at an index.
inline size_t positionOf(const Shape& index, const Shape& shape) {
  size_t position = 0;
  for (size_t axis = 0; axis < shape.size(); axis++) position = position * shape[axis] + index[axis];
  return position;
}

/// The position, in a tensor of `shape` that broadcasts to a result, of what belongs to the result's `index`.
inline size_t broadcastPosition(const Shape& index, const Shape& shape) {
  Shape own(index.end() - shape.size(), index.end());
  for (size_t axis = 0; axis < shape.size(); axis++) {
    if (shape[axis] == 1) own[axis] = 0;
  }
  return positionOf(own, shape);
}

}  // namespace reference
