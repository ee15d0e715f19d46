#include "shape.h"

namespace reference {

/// Calls body(position in the updates, position in the tensor) for each update whose id is below the axis, in order.
/// `entries` is the shape of the updates, `shape` that of the tensor; ids broadcast to `entries`.
template <typename Body>
static void eachId(const Shape& shape, size_t axis, const uint32_t* ids, const Shape& idShape, const Shape& entries,
                   Body body) {
  for (size_t i = 0; i < sizeOf(entries); i++) {
    Shape index = indexAt(i, entries);
    const uint32_t id = ids[broadcastPosition(index, idShape)];
    if (id >= shape[axis]) continue;
    index[axis] = id;
    body(i, positionOf(index, shape));
  }
}

/// gather(x, shape, axis, ids, shape of ids) -> shape with the ids' size along axis; zeros for ids outside
static Napi::Value gather(Info info) {
  const double* x = doubles(info, 0);
  const Shape shape = shapeArgument(info, 1), idShape = shapeArgument(info, 4);
  const size_t axis = whole(info, 2);
  Shape entries = shape;
  entries[axis] = idShape[axis];
  auto result = Napi::Float64Array::New(info.Env(), sizeOf(entries));
  double* out = result.Data();
  eachId(shape, axis, uints(info, 3), idShape, entries, [&](size_t i, size_t at) { out[i] = x[at]; });
  return result;
}

/// scatter(x, shape, axis, ids, shape of ids, updates, add) -> shape
static Napi::Value scatter(Info info) {
  const double *x = doubles(info, 0), *updates = doubles(info, 5);
  const Shape shape = shapeArgument(info, 1), idShape = shapeArgument(info, 4);
  const size_t axis = whole(info, 2);
  const bool add = flag(info, 6);
  Shape entries = shape;
  entries[axis] = idShape[axis];
  auto result = Napi::Float64Array::New(info.Env(), sizeOf(shape));
  double* out = result.Data();
  std::copy(x, x + sizeOf(shape), out);
  eachId(shape, axis, uints(info, 3), idShape, entries,
         [&](size_t i, size_t at) { out[at] = add ? out[at] + updates[i] : updates[i]; });
  return result;
}

REFERENCE(gather);
REFERENCE(scatter);

}  // namespace reference
