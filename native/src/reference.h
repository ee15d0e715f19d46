// What the reference kernels share: typed access to the arguments from JavaScript and a parallel loop.
// A reference kernel is written to be read, in double precision; it is the oracle of the WGSL kernels.
#pragma once
#include <napi.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace reference {

using Info = const Napi::CallbackInfo&;

/// A Float64Array argument; null where JavaScript passed undefined (an absent optional operand).
inline const double* doubles(Info info, size_t i) {
  if (info[i].IsUndefined() || info[i].IsNull()) return nullptr;
  return info[i].As<Napi::Float64Array>().Data();
}

/// A Uint32Array or Int32Array argument, null where absent.
inline const uint32_t* uints(Info info, size_t i) {
  if (info[i].IsUndefined() || info[i].IsNull()) return nullptr;
  return info[i].As<Napi::Uint32Array>().Data();
}

inline const int32_t* ints(Info info, size_t i) {
  if (info[i].IsUndefined() || info[i].IsNull()) return nullptr;
  return info[i].As<Napi::Int32Array>().Data();
}

/// A whole number argument (sizes, counts, flags).
inline int64_t whole(Info info, size_t i) { return info[i].ToNumber().Int64Value(); }

/// A real number argument.
inline double real(Info info, size_t i) { return info[i].ToNumber().DoubleValue(); }

inline bool flag(Info info, size_t i) { return info[i].ToBoolean().Value(); }

/// Calls body(i) for all i below count, on all cores.
template <typename Body>
void parallel(size_t count, Body body) {
  const size_t workers = std::min<size_t>(count, std::max(1u, std::thread::hardware_concurrency()));
  const size_t chunk = std::max<size_t>(1, count / (workers * 8 + 1));
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t begin; (begin = next.fetch_add(chunk)) < count;) {
      const size_t end = std::min(count, begin + chunk);
      for (size_t i = begin; i < end; i++) body(i);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < workers; i++) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
}

using Kernel = Napi::Value (*)(Info);

/// All reference kernels by name; each file registers its own with REFERENCE(name).
inline std::map<std::string, Kernel>& kernels() {
  static std::map<std::string, Kernel> all;
  return all;
}

struct Registration {
  Registration(const char* name, Kernel kernel) { kernels()[name] = kernel; }
};

#define REFERENCE(name) static const Registration register_##name(#name, name)

}  // namespace reference
