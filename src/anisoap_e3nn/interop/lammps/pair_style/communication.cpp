// What the pair style tells ghosts by LAMMPS' own communication.
#include <algorithm>
#include <cstring>

#include "comm.h"
#include "pair_anisoap.h"

namespace LAMMPS_NS {
namespace {
// Orientations go to ghosts in every step, so their short rows are copied without a call.
inline void copy_row(const double *from, int width, double *to) {
  if (width == 4)
    memcpy(to, from, 4 * sizeof(double));
  else
    memcpy(to, from, width * sizeof(double));
}
}  // namespace

void PairAniSOAP::exchange(double *features, int width, bool reverse) {
  features_ = features;
  width_ = width;
  if (!reverse) return comm->forward_comm(this, width);
  comm->reverse_comm(this, width);
  std::fill(features + n_local_ * width, features + members_.size() * width, 0.0);  // the owners have them now
}

inline double *PairAniSOAP::row(int i) { return index_[i] < 0 ? nullptr : features_ + index_[i] * width_; }

int PairAniSOAP::pack_forward_comm(int n, int *which, double *buffer, int, int *) {
  for (int i = 0; i < n; i++, buffer += width_)
    if (const double *values = row(which[i])) copy_row(values, width_, buffer);
  return width_ * n;
}
void PairAniSOAP::unpack_forward_comm(int n, int first, double *buffer) {
  for (int i = first; i < first + n; i++, buffer += width_)
    if (double *values = row(i)) copy_row(buffer, width_, values);
}
int PairAniSOAP::pack_reverse_comm(int n, int first, double *buffer) {
  for (int i = first; i < first + n; i++, buffer += width_)
    if (const double *values = row(i)) copy_row(values, width_, buffer);
  return width_ * n;
}
void PairAniSOAP::unpack_reverse_comm(int n, int *which, double *buffer) {
  for (int i = 0; i < n; i++, buffer += width_)
    if (double *values = row(which[i]))
      for (int k = 0; k < width_; k++) values[k] += buffer[k];
}
}  // namespace LAMMPS_NS
