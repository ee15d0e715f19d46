#include "reference.h"

namespace reference {

/// linear_assignment(cost [batch, rows, targets], counts [batch] or null, batch, rows, targets) ->
/// [batch, targets] rows, `rows` where none. By shortest augmenting paths (Crouse 2016); of equally near rows a free one comes
/// first, then the lower one. A cost that is no number counts as more than the sums of all others may differ.
static Napi::Value linear_assignment(Info info) {
  const double* cost = doubles(info, 0);
  const uint32_t* counts = uints(info, 1);
  const size_t batch = whole(info, 2), rows = whole(info, 3), targets = whole(info, 4);
  auto result = Napi::Uint32Array::New(info.Env(), batch * targets);
  uint32_t* out = result.Data();
  parallel(batch, [&](size_t element) {
    constexpr size_t none = SIZE_MAX;
    const double* costs = cost + element * rows * targets;
    const size_t count = counts ? std::min<size_t>(counts[element], targets) : targets;
    double largest = 0;
    for (size_t i = 0; i < rows * targets; i++) {
      if (i % targets < count && std::isfinite(costs[i])) largest = std::max(largest, std::min(std::abs(costs[i]), 1e30));
    }
    const double forbidden = largest > 0 ? 2.0 * (count + 1) * largest : 1;
    const auto at = [&](size_t row, size_t target) {
      const double c = costs[row * targets + target];
      return std::isfinite(c) ? std::min(std::max(c, -1e30), 1e30) : forbidden;
    };
    std::vector<double> row_price(rows, 0), target_price(count, 0);
    std::vector<size_t> owner(rows, none), owned(count, none), before(rows, none);
    for (size_t first = 0; first < count; first++) {
      std::vector<double> distance(rows, std::numeric_limits<double>::infinity());
      std::vector<bool> scanned(rows, false);
      double reached = 0;
      size_t target = first, nearest = none;
      for (;;) {
        nearest = none;
        for (size_t row = 0; row < rows; row++) {
          if (scanned[row]) continue;
          const double through = reached + (at(row, target) - target_price[target] - row_price[row]);
          if (through < distance[row]) {
            distance[row] = through;
            before[row] = target;
          }
          if (nearest == none || distance[row] < distance[nearest] ||
              (distance[row] == distance[nearest] && owner[row] == none && owner[nearest] != none)) {
            nearest = row;
          }
        }
        scanned[nearest] = true;
        reached = distance[nearest];
        if (owner[nearest] == none) break;
        target = owner[nearest];
      }
      target_price[first] += reached;
      for (size_t row = 0; row < rows; row++) {
        if (!scanned[row]) continue;
        row_price[row] -= reached - distance[row];
        if (owner[row] != none) target_price[owner[row]] += reached - distance[row];
      }
      for (size_t row = nearest; row != none;) {
        const size_t mover = before[row];
        owner[row] = mover;
        std::swap(owned[mover], row);
        if (mover == first) break;
      }
    }
    for (size_t target = 0; target < targets; target++) {
      out[element * targets + target] = target < count ? owned[target] : rows;
    }
  });
  return result;
}

REFERENCE(linear_assignment);

}  // namespace reference
