#include "reference.h"

namespace reference {

/// Calls visit(b, stride, start, column, index, valid) for every cell of packed maps [batch, R, columns].
template <typename Visit>
static void for_each_map_cell(size_t batch, size_t clips, size_t scales, size_t columns,
                              const uint32_t* lengths, Visit visit) {
  size_t index = 0;
  for (size_t b = 0; b < batch; b++) {
    const size_t length = lengths ? std::min<size_t>(lengths[b], clips) : clips;
    for (size_t k = 0; k < scales; k++) {
      const size_t stride = size_t{1} << k;
      const size_t valid_clips = length == 0 ? 0 : std::max<size_t>(length / stride, 1);
      for (size_t start = 0; start < clips / stride; start++) {
        for (size_t column = 0; column < columns; column++) {
          visit(b, stride, start, column, index++, start + column + 1 <= valid_clips);
        }
      }
    }
  }
}

/// iou_map(spans [batch, most, 2] or undefined, span_counts [batch], most, lengths [batch], units [batch],
///   batch, clips, scales, columns) -> maps, then masks, each [batch, R, columns]
static Napi::Value iou_map(Info info) {
  const double* spans = doubles(info, 0);
  const uint32_t* span_counts = uints(info, 1);
  const size_t most = whole(info, 2);
  const uint32_t* lengths = uints(info, 3);
  const double* units = doubles(info, 4);
  const size_t batch = whole(info, 5), clips = whole(info, 6), scales = whole(info, 7);
  const size_t columns = whole(info, 8);
  size_t rows = 0;
  for (size_t k = 0; k < scales; k++) rows += clips >> k;
  const size_t cells = batch * rows * columns;
  auto result = Napi::Float64Array::New(info.Env(), 2 * cells);
  double* map = result.Data();
  double* mask = map + cells;
  for_each_map_cell(batch, clips, scales, columns, lengths,
                    [&](size_t b, size_t stride, size_t start, size_t column, size_t index, bool valid) {
    mask[index] = valid;
    map[index] = 0;
    if (!valid || !spans) return;
    const double begin = start * stride * units[b], end = (start + column + 1) * stride * units[b];
    for (size_t g = 0; g < std::min<size_t>(span_counts[b], most); g++) {
      const double* span = spans + (b * most + g) * 2;
      const double both = std::max(0.0, std::min(end, span[1]) - std::max(begin, span[0]));
      if (both > 0) map[index] = std::max(map[index], both / (end - begin + span[1] - span[0] - both));
    }
  });
  return result;
}

/// merge_maps(maps [batch, R, columns], lengths [batch] or undefined, batch, clips, scales, columns, initial)
///   -> [batch, clips, clips]
static Napi::Value merge_maps(Info info) {
  const double* maps = doubles(info, 0);
  const uint32_t* lengths = uints(info, 1);
  const size_t batch = whole(info, 2), clips = whole(info, 3), scales = whole(info, 4);
  const size_t columns = whole(info, 5);
  auto result = Napi::Float64Array::New(info.Env(), batch * clips * clips);
  double* merged = result.Data();
  std::fill_n(merged, batch * clips * clips, real(info, 6));
  for_each_map_cell(batch, clips, scales, columns, lengths,
                    [&](size_t b, size_t stride, size_t start, size_t column, size_t index, bool valid) {
    const size_t duration = stride * (column + 1);
    if (!valid || duration > clips) return;
    double& cell = merged[(b * clips + start * stride) * clips + duration - 1];
    cell = std::max(cell, maps[index]);
  });
  return result;
}

/// decode_moments(scores [batch, clips, clips], units [batch], batch, clips, count, threshold, lowest)
///   -> per video count x [start, end, score], then the number of moments
static Napi::Value decode_moments(Info info) {
  const double* scores = doubles(info, 0);
  const double* units = doubles(info, 1);
  const size_t batch = whole(info, 2), clips = whole(info, 3), count = whole(info, 4);
  // The kernel's comparison with the threshold is in f32; so is this one, for bounds that are met exactly.
  const float threshold = static_cast<float>(real(info, 5));
  const double lowest = real(info, 6);
  const size_t width = count * 3 + 1;
  auto result = Napi::Float64Array::New(info.Env(), batch * width);
  double* out = result.Data();
  std::fill_n(out, batch * width, 0.0);
  parallel(batch, [&](size_t b) {
    const double* map = scores + b * clips * clips;
    std::vector<size_t> order;
    for (size_t cell = 0; cell < clips * clips; cell++) {
      if (map[cell] > lowest) order.push_back(cell);
    }
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t c) { return map[a] > map[c]; });
    std::vector<size_t> kept;
    const auto start = [&](size_t cell) { return static_cast<int64_t>(cell / clips); };
    const auto end = [&](size_t cell) { return start(cell) + static_cast<int64_t>(cell % clips) + 1; };
    for (const size_t cell : order) {
      if (kept.size() == count) break;
      const bool dropped = std::any_of(kept.begin(), kept.end(), [&](size_t other) {
        const int64_t both = std::min(end(cell), end(other)) - std::max(start(cell), start(other));
        const int64_t together = end(cell) - start(cell) + end(other) - start(other) - both;
        return both > 0 && static_cast<float>(both) > threshold * static_cast<float>(together);
      });
      if (dropped) continue;
      double* moment = out + b * width + kept.size() * 3;
      moment[0] = start(cell) * units[b];
      moment[1] = end(cell) * units[b];
      moment[2] = map[cell];
      kept.push_back(cell);
    }
    out[b * width + count * 3] = kept.size();
  });
  return result;
}

REFERENCE(iou_map);
REFERENCE(merge_maps);
REFERENCE(decode_moments);

}  // namespace reference
