// What LAMMPS' plugin loader calls, and what Python calls.
#include <dlfcn.h>

#include <filesystem>

#include "error.h"
#include "lammps.h"
#include "pair_anisoap.h"

#ifndef RTLD_DEEPBIND  // of glibc; elsewhere a library finds the symbols of its own libraries first anyway
#define RTLD_DEEPBIND 0
#endif

using LAMMPS_NS::LAMMPS;

namespace {
using Create = void *(*)(void *);

void *create(void *lmp) { return new LAMMPS_NS::PairAniSOAP(static_cast<LAMMPS *>(lmp)); }

// What creates pair_style anisoap/torch, in the library beside this one; null without it. LAMMPS brings a plain BLAS,
// which torch must not take for its own: models would run at half the speed.
Create torch_style(LAMMPS *lmp) {
  Dl_info here;
  if (!dladdr(reinterpret_cast<void *>(&create), &here)) return nullptr;
  const auto path = std::filesystem::path(here.dli_fname).replace_filename("anisoaptorch.so");
  if (!std::filesystem::exists(path)) return nullptr;
  void *const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!library) {
    lmp->error->warning(FLERR, "pair_style anisoap/torch cannot be loaded: {}", dlerror());
    return nullptr;
  }
  return reinterpret_cast<Create>(dlsym(library, "anisoap_create_torch_style"));
}
}  // namespace

extern "C" {
// As in LAMMPS' lammpsplugin.h, which it does not install.
struct lammpsplugin_t {
  const char *version, *style, *name, *info, *author;
  void *(*create)(void *);
  void *handle;
};
using register_plugin = void (*)(lammpsplugin_t *, void *);

void lammpsplugin_init(void *lmp, void *handle, void *add) {
  lammpsplugin_t plugin{static_cast<LAMMPS *>(lmp)->version, "pair", "anisoap", "ellipsoids by a model",
                        "The anisoap-e3nn developers", create, handle};
  reinterpret_cast<register_plugin>(add)(&plugin, lmp);
  plugin.name = "anisoap/torch";
  plugin.info = "ellipsoids by a compiled model";
  plugin.create = torch_style(static_cast<LAMMPS *>(lmp));
  if (plugin.create) reinterpret_cast<register_plugin>(add)(&plugin, lmp);
}

int64_t anisoap_use_functions(void *lmp, const anisoap_functions *functions) {
  return LAMMPS_NS::use_functions(static_cast<LAMMPS *>(lmp), *functions);
}
void anisoap_drop_functions(void *lmp, int64_t number) {
  LAMMPS_NS::drop_functions(static_cast<LAMMPS *>(lmp), number);
}

// During an evaluation: features [all, width] from owners to ghosts or, in reverse, added to the owners'.
void anisoap_exchange(double *features, int64_t width, int reverse) {
  LAMMPS_NS::evaluated->exchange(features, int(width), reverse != 0);
}
}
