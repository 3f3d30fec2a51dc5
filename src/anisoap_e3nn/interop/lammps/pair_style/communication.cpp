// What the pair style tells ghosts by LAMMPS' own communication.
#include <algorithm>
#include <cstring>

#include "comm.h"
#include "pair_anisoap.h"

namespace LAMMPS_NS {
void PairAniSOAP::exchange(double *features, int width, bool reverse) {
  features_ = features;
  width_ = width;
  if (!reverse) return comm->forward_comm(this, width);
  comm->reverse_comm(this, width);
  std::fill(features + n_local_ * width, features + members_.size() * width, 0.0);  // the owners have them now
}

double *PairAniSOAP::row(int i) { return index_[i] < 0 ? nullptr : features_ + index_[i] * width_; }

// Bodies, or features.
int PairAniSOAP::pack_forward_comm(int n, int *which, double *buffer, int, int *) {
  for (int i = 0; sends_bodies_ && i < n; i++) {
    const int64_t m = index_[which[i]];
    if (m < 0) continue;
    memcpy(buffer + of_body * i, &quaternions_[4 * m], 4 * sizeof(double));
    memcpy(buffer + of_body * i + 4, &semiaxes_[3 * m], 3 * sizeof(double));
  }
  if (sends_bodies_) return of_body * n;
  for (int i = 0; i < n; i++, buffer += width_)
    if (const double *values = row(which[i])) memcpy(buffer, values, width_ * sizeof(double));
  return width_ * n;
}
void PairAniSOAP::unpack_forward_comm(int n, int first, double *buffer) {
  for (int i = 0; sends_bodies_ && i < n; i++) {
    const int64_t m = index_[first + i];
    if (m < 0) continue;
    memcpy(&quaternions_[4 * m], buffer + of_body * i, 4 * sizeof(double));
    memcpy(&semiaxes_[3 * m], buffer + of_body * i + 4, 3 * sizeof(double));
  }
  if (sends_bodies_) return;
  for (int i = first; i < first + n; i++, buffer += width_)
    if (double *values = row(i)) memcpy(values, buffer, width_ * sizeof(double));
}
int PairAniSOAP::pack_reverse_comm(int n, int first, double *buffer) {
  for (int i = first; i < first + n; i++, buffer += width_)
    if (const double *values = row(i)) memcpy(buffer, values, width_ * sizeof(double));
  return width_ * n;
}
void PairAniSOAP::unpack_reverse_comm(int n, int *which, double *buffer) {
  for (int i = 0; i < n; i++, buffer += width_)
    if (double *values = row(which[i]))
      for (int k = 0; k < width_; k++) values[k] += buffer[k];
}
}  // namespace LAMMPS_NS
