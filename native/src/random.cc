#include "philox.h"
#include "reference.h"

namespace reference {

/// philox_block(counter [4], key [2]) -> [4]
static Napi::Value philox_block(Info info) {
  const uint32_t *counter = uints(info, 0), *key = uints(info, 1);
  const PhiloxBlock block = philox({counter[0], counter[1], counter[2], counter[3]}, key[0], key[1]);
  auto result = Napi::Uint32Array::New(info.Env(), 4);
  std::copy(block.begin(), block.end(), result.Data());
  return result;
}

/// random_numbers(state [4], count, distribution) -> [count]; distribution: 0 uniform, 1 normal, 2 Gumbel
static Napi::Value random_numbers(Info info) {
  const uint32_t* state = uints(info, 0);
  const size_t count = whole(info, 1);
  const int64_t distribution = whole(info, 2);
  auto result = Napi::Float64Array::New(info.Env(), count);
  double* out = result.Data();
  const uint64_t start = state[2] | uint64_t{state[3]} << 32;
  parallel((count + 3) / 4, [&](size_t block) {
    const uint64_t counter = start + block;
    const PhiloxBlock bits = philox({uint32_t(counter), uint32_t(counter >> 32), 0, 0}, state[0], state[1]);
    for (size_t j = 0; j < 4 && 4 * block + j < count; j++) {
      double value = open_uniform(bits[j]);
      if (distribution == 1) {
        const double radius = std::sqrt(-2 * std::log(open_uniform(bits[j & ~size_t{1}])));
        const double angle = 2 * M_PI * open_uniform(bits[j | 1]);
        value = radius * (j % 2 == 0 ? std::cos(angle) : std::sin(angle));
      } else if (distribution == 2) {
        value = -std::log(-std::log(value));
      }
      out[4 * block + j] = value;
    }
  });
  return result;
}

REFERENCE(philox_block);
REFERENCE(random_numbers);

}  // namespace reference
