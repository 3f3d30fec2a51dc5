// Particles that the model sees: which they are, and what it reads of them.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "atom.h"
#include "compute.h"
#include "error.h"
#include "neighbor.h"
#include "pair_anisoap.h"
#include "update.h"

namespace LAMMPS_NS {
// Types of all particles. LAMMPS tells ghosts of theirs when it makes its list, and nobody does of changes after it.
std::vector<int64_t> PairAniSOAP::types_of_all() {
  const int n = atom->nlocal + atom->nghost;
  std::vector<int64_t> types(atom->type, atom->type + n);
  if (neighbor->ago == 0) return types;
  index_.resize(n);
  std::iota(index_.begin(), index_.end(), 0);
  std::vector<double> values(types.begin(), types.end());
  exchange(values.data(), 1, false);
  return {values.begin(), values.end()};
}

// Selects the particles of the model's types, which must have a shape. All ranks do so at once.
void PairAniSOAP::select_members() {
  const int n = atom->nlocal + atom->nghost;
  const std::vector<int64_t> types = types_of_all();
  selection_++;
  needs_selection_ = false;
  members_.clear();
  types_.clear();
  index_.assign(n, -1);
  for (int i = 0; i < n; i++) {
    if (!has_type_[types[i]]) continue;
    index_[i] = members_.size();
    members_.push_back(i);
    types_.push_back(types[i]);
  }
  const size_t n_all = members_.size();
  are_all_ = int(n_all) == n;
  if (model_.kernel.types) {
    kernel_types_.resize(n_all);
    for (size_t m = 0; m < n_all; m++) kernel_types_[m] = model_.kernel.types[types_[m]];
  }
  n_local_ = std::lower_bound(members_.begin(), members_.end(), atom->nlocal) - members_.begin();
  for (auto *array : {&positions_, &semiaxes_, &forces_, &torques_}) array->resize(3 * n_all);
  quaternions_.resize(4 * n_all);
  energies_.resize(n_all);
  tagint without = 0, any = 0;
  for (int64_t m = 0; m < n_local_; m++) {  // ghosts are their owners' to check
    const int64_t i = members_[m];
    // what property/atom says of a particle without a shape is a sphere of diameter 1
    if (atom->ellipsoid[i] < 0) without = std::max(without, atom->tag[i]);
  }
  MPI_Allreduce(&without, &any, 1, MPI_LMP_TAGINT, MPI_MAX, world);
  if (any)
    error->all(FLERR, "atom {} has no shape, expected an ellipsoid since the model acts on its type; use `set shape` "
                      "or NULL in pair_coeff", any);
}

// Positions and orientations of the members, as they are now. Types and sizes are read when LAMMPS makes its list and
// so tells ghosts of them, and in the first step of a run, before which any command may have changed them.
void PairAniSOAP::gather() {
  const bool has_new_list = needs_selection_ || neighbor->ago == 0;
  const bool is_first = update->ntimestep <= update->firststep + 1;
  // the list may have indices beyond the last particle, on some ranks alone; later LAMMPS itself makes a new one
  const bool is_stale = !has_new_list && int(index_.size()) != atom->nlocal + atom->nghost;
  const char *const stale = "found particles that have come or gone since LAMMPS made its list, expected a new list; "
                            "leave out `pre no`";
  if (is_first) refuse_everywhere(is_stale, stale);
  else if (is_stale) error->one(FLERR, "{}: {}", style_, stale);
  if (has_new_list || is_first) {
    select_members();
    read(diameters_, semiaxes_.data(), 3, 0.5);
  }
  read(orientations_, quaternions_.data(), 4, 1);
  for (size_t m = 0; !are_all_ && m < members_.size(); m++)
    memcpy(&positions_[3 * m], atom->x[members_[m]], 3 * sizeof(double));
}

// Multiples of a property of the members, those of ghosts from their owners.
void PairAniSOAP::read(Compute *property, double *values, int width, double factor) {
  property->compute_peratom();
  property->invoked_peratom = update->ntimestep;
  for (int64_t m = 0; m < n_local_; m++)
    for (int k = 0; k < width; k++) values[width * m + k] = factor * property->array_atom[members_[m]][k];
  exchange(values, width, false);
}

const double *PairAniSOAP::positions() const {
  return !are_all_ ? positions_.data() : members_.empty() ? nullptr : atom->x[0];  // its rows follow one another
}
}  // namespace LAMMPS_NS
