// Operations of networks on torch's dispatcher.
#pragma once

#include <torch/library.h>

namespace anisoap {
void define_network_operations(torch::Library &library);
}  // namespace anisoap
