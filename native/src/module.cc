// The Node-API module: every registered reference kernel as a function of one object.
#include "reference.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  for (const auto& [name, kernel] : reference::kernels()) {
    exports.Set(name, Napi::Function::New(env, kernel, name));
  }
  return exports;
}

NODE_API_MODULE(reference, Init)
