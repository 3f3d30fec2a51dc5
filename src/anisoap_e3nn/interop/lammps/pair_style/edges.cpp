// Edges within the model's cutoff, from LAMMPS' list.
#include <algorithm>
#include <string>
#include <type_traits>

#include "atom.h"
#include "neigh_list.h"
#include "pair_anisoap.h"

namespace LAMMPS_NS {
namespace {
// Memory is kept between steps and never cleared.
template <class T> T *room(std::vector<T> &memory, size_t size) {
  if (memory.size() < size) memory.resize(size + size / 8);
  return memory.data();
}
}  // namespace

// The memory has room for all of LAMMPS' list. Centres follow upon neighbours, so that they are the rows of one tensor,
// unless a kernel is to read them, which takes no vectors either.
void PairAniSOAP::find_edges(bool for_kernel) {
  size_t most = 0;
  for (int ii = 0; ii < list->inum; ii++) most += list->numneigh[list->ilist[ii]];
  if (model_.neighborhoods) {
    int64_t *const ends = room(neighborhood_edges_, 2 * most);
    n_neighborhood_edges_ = select_edges(ends, ends + most, nullptr, [](int, int) { return true; });
    std::copy_n(ends + most, n_neighborhood_edges_, ends + n_neighborhood_edges_);
  }
  if (!model_.pairs) return;
  int64_t *const ends = room(pair_edges_, 2 * most);
  double *const vectors = for_kernel ? nullptr : room(pair_vectors_, 3 * most);
  if (model_.neighborhoods)
    n_pair_edges_ = select_edges(ends, ends + most, vectors, [this](int i, int j) { return is_first(i, j); });
  else
    n_pair_edges_ = select_edges(ends, ends + most, vectors, [](int, int) { return true; });
  pair_centers_ = ends + most;
  if (!for_kernel) std::copy_n(ends + most, n_pair_edges_, ends + n_pair_edges_);
}

// Writes the ends of edges, and vectors [edge, 3] unless null, and returns the number of edges.
template <class Keep>
int64_t PairAniSOAP::select_edges(int64_t *neighbors, int64_t *centers, double *vectors, const Keep &keep) {
  if (list->inum == 0) return 0;
  const auto select = [&](auto are_all, auto with_vectors) {
    return select_edges_of<are_all.value, with_vectors.value>(neighbors, centers, vectors, keep);
  };
  using yes = std::true_type;
  using no = std::false_type;
  if (are_all_) return vectors ? select(yes(), yes()) : select(yes(), no());
  return vectors ? select(no(), yes()) : select(no(), no());
}

// Whether a neighbour is within the cutoff no processor can foresee, so each is written, and the next one over it if it
// is not.
template <bool are_all, bool with_vectors, class Keep>
int64_t PairAniSOAP::select_edges_of(int64_t *neighbors, int64_t *centers, double *vectors, const Keep &keep) {
  const double square = model_.cutoff * model_.cutoff;
  const double *const positions = atom->x[0];  // its rows follow one another
  const int64_t *const index = index_.data();
  int64_t n = 0;
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    const int64_t center = index[i];
    const double x[3] = {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]};
    const int *found = list->firstneigh[i], n_found = center < 0 ? 0 : list->numneigh[i];
    for (int jj = 0; jj < n_found; jj++) {
      const int64_t j = found[jj] & NEIGHMASK, neighbor = are_all ? j : index[j];
      const double *y = positions + 3 * j, r[3] = {y[0] - x[0], y[1] - x[1], y[2] - x[2]};
      const bool is_near = (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < square) & (are_all || neighbor >= 0);
      neighbors[n] = neighbor;
      centers[n] = center;
      if (with_vectors)
        for (int k = 0; k < 3; k++) vectors[3 * n + k] = r[k];
      n += is_near && keep(i, int(j));
    }
  }
  return n;
}

// If an edge has no length, the IDs of its ends: the model knows them by numbers of its own.
std::string PairAniSOAP::overlap() const {
  const double *const x = positions();
  const auto found = [&](const std::vector<int64_t> &ends, int64_t n) -> std::string {
    for (int64_t edge = 0; edge < n; edge++) {
      const int64_t a = ends[n + edge], b = ends[edge];
      if (!std::equal(x + 3 * a, x + 3 * a + 3, x + 3 * b)) continue;
      const auto [first, second] = std::minmax(atom->tag[members_[a]], atom->tag[members_[b]]);
      return " (atoms " + std::to_string(first) + " and " + std::to_string(second) + " are in the same place)";
    }
    return "";
  };
  const std::string of_pairs = found(pair_edges_, n_pair_edges_);
  return of_pairs.empty() ? found(neighborhood_edges_, n_neighborhood_edges_) : of_pairs;
}

// Whether a full list's pair is to be taken from i, so that one rank takes it once: LAMMPS' rule for IDs.
bool PairAniSOAP::is_first(int i, int j) const {
  const tagint a = atom->tag[i], b = atom->tag[j];
  if (a != b) return a > b ? (a + b) % 2 == 1 : (a + b) % 2 == 0;
  const double *x = atom->x[i], *y = atom->x[j];
  for (const int k : {2, 1})
    if (y[k] != x[k]) return y[k] > x[k];
  return y[0] > x[0];
}
}  // namespace LAMMPS_NS
