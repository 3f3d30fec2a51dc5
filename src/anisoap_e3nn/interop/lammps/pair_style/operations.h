// Operations of anisoap_e3nn on torch's dispatcher, by its native kernels.
#pragma once

namespace anisoap {
// Registers those that compiled models call, unless Python has.
void register_operations();
}  // namespace anisoap
