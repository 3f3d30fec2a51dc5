// Tensors for the native kernels, and operations on torch's dispatcher.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <optional>
#include <string>

#include "anisoap_kernels.h"

namespace anisoap {
using at::Tensor;
using Maybe = std::optional<Tensor>;

inline const void *data(const Tensor &tensor) { return tensor.const_data_ptr(); }
inline const void *data(const Maybe &tensor) { return tensor ? data(*tensor) : nullptr; }
inline const int64_t *indices(const Tensor &tensor) { return tensor.const_data_ptr<int64_t>(); }
inline bool is_double(const Tensor &tensor) { return tensor.scalar_type() == at::kDouble; }

// Calls a kernel with a message, and throws what it says.
template <class Call> void served(const Call &call) {
  char message[ANISOAP_MESSAGE_SIZE] = "";
  const int failed = call(message);
  TORCH_CHECK(!failed, message);
}

// Defines an operation and its kernel for the CPU, where Python has not.
template <class Kernel>
void define(torch::Library &library, const std::string &name, const std::string &signature, Kernel *kernel) {
  const auto found = c10::Dispatcher::singleton().findOp({"anisoap_e3nn::" + name, ""});
  if (!found) library.def((name + signature).c_str());
  if (found && found->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return;
  library.impl(name.c_str(), torch::dispatch(c10::DispatchKey::CPU, kernel));
}
}  // namespace anisoap
