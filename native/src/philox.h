// Philox4x32-10 (Salmon et al., SC 2011, section 3.3), bit for bit what kernels/lib/philox.wgsl gives.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace reference {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox(PhiloxBlock c, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = uint64_t{0xd2511f53} * c[0];
    const uint64_t product1 = uint64_t{0xcd9e8d57} * c[2];
    c = {uint32_t(product1 >> 32) ^ c[1] ^ key0, uint32_t(product1), uint32_t(product0 >> 32) ^ c[3] ^ key1,
         uint32_t(product0)};
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  return c;
}

/// Uniform in the open interval (0, 1): the top 24 bits with the last one set, over 2^24.
inline double open_uniform(uint32_t bits) { return ((bits >> 8) | 1) * 0x1p-24; }

}  // namespace reference
