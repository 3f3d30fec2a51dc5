// What LAMMPS' plugin loader calls, and what Python calls.
#include "lammps.h"
#include "pair_anisoap.h"
#ifdef ANISOAP_WITH_TORCH
#include "pair_anisoap_torch.h"
#endif

using LAMMPS_NS::LAMMPS;

namespace {
template <class Style> void *create(void *lmp) { return new Style(static_cast<LAMMPS *>(lmp)); }
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
                        "The anisoap-e3nn developers", create<LAMMPS_NS::PairAniSOAP>, handle};
  reinterpret_cast<register_plugin>(add)(&plugin, lmp);
#ifdef ANISOAP_WITH_TORCH
  plugin.name = "anisoap/torch";
  plugin.info = "ellipsoids by a compiled model";
  plugin.create = create<LAMMPS_NS::PairAniSOAPTorch>;
  reinterpret_cast<register_plugin>(add)(&plugin, lmp);
#endif
}

void anisoap_use_functions(void *lmp, const anisoap_functions *functions) {
  LAMMPS_NS::use_functions(static_cast<LAMMPS *>(lmp), *functions);
}

// During an evaluation: features [all, width] from owners to ghosts or, in reverse, added to the owners'.
void anisoap_exchange(double *features, int64_t width, int reverse) {
  LAMMPS_NS::evaluated->exchange(features, int(width), reverse != 0);
}
}
