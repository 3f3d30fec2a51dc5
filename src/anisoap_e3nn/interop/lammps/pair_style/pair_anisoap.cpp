#include "pair_anisoap.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

namespace LAMMPS_NS {
namespace {
constexpr int of_shape = 7;          // w x y z and three diameters
constexpr int message_size = 4096;   // bytes
std::map<LAMMPS *, anisoap_functions> functions_of;
int64_t n_styles = 0;

template <class T> void grow(std::vector<T> &memory, size_t size) {
  if (memory.size() < size) memory.resize(size + size / 8);
}
}  // namespace

PairAniSOAP *evaluated = nullptr;
void use_functions(LAMMPS *lmp, const anisoap_functions &functions) { functions_of[lmp] = functions; }

PairAniSOAP::PairAniSOAP(LAMMPS *lmp, const char *style)
    : Pair(lmp), style_(std::string("pair_style ") + style), id_(n_styles++) {
  single_enable = restartinfo = 0;
  one_coeff = manybody_flag = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  comm_forward = comm_reverse = of_shape;
}

PairAniSOAP::~PairAniSOAP() {
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

const anisoap_functions &PairAniSOAP::functions() const {
  const auto found = functions_of.find(lmp);
  if (found == functions_of.end())
    error->all(FLERR, "pair_style anisoap has no models: run the script by `anisoap-e3nn lammps run`, or call "
                      "anisoap_e3nn.interop.lammps.couple before it");
  return found->second;
}

void PairAniSOAP::settings(int narg, char **) {
  if (narg) error->all(FLERR, "{} takes no arguments: the cutoff is that of the model", style_);
}

// pair_coeff * * MODEL TYPE...: for each type of LAMMPS one of the model, or NULL
void PairAniSOAP::coeff(int narg, char **arg) {
  const int n = atom->ntypes;
  if (narg != 3 + n)
    error->all(FLERR, "found {} arguments of pair_coeff, expected * * MODEL and for each of the {} atom types a type "
                      "of the model or NULL", narg, n);
  if (!allocated) {
    allocated = 1;
    memory->create(setflag, n + 1, n + 1, "pair:setflag");
    memory->create(cutsq, n + 1, n + 1, "pair:cutsq");
  }
  has_type_.assign(n + 1, false);
  for (int i = 1; i <= n; i++) has_type_[i] = strcmp(arg[2 + i], "NULL") != 0;
  for (int i = 1; i <= n; i++)
    for (int j = i; j <= n; j++) setflag[i][j] = has_type_[i] && has_type_[j];
  std::string message;
  const bool opened = open({arg + 2, arg + narg}, message);
  refuse_everywhere(!opened, message);
  comm_forward = comm_reverse = std::max<int>(of_shape, model_.width);
}

bool PairAniSOAP::open(const std::vector<std::string> &words, std::string &message) {
  std::string lines = words[0];
  for (size_t k = 1; k < words.size(); k++) lines += "\n" + words[k];
  char text[message_size] = "";
  const int failed = functions().open(lines.c_str(), update->unit_style, id_, &model_, text, message_size);
  message = text;
  return !failed;
}

bool PairAniSOAP::evaluate(const anisoap_step &step, std::string &message) {
  char text[message_size] = "";
  const int failed = functions().evaluate(&step, text, message_size);
  message = text;
  return !failed;
}

void PairAniSOAP::init_style() {
  if (!force->newton_pair) error->all(FLERR, "{} found newton off, expected newton on", style_);
  if (!atom->ellipsoid_flag) error->all(FLERR, "{} expects atom_style ellipsoid, or hybrid with it", style_);
  if (atom->tag_enable == 0) error->all(FLERR, "{} expects atoms with IDs", style_);
  // hybrid styles learn of the width before the model does
  force->pair->comm_forward = std::max(force->pair->comm_forward, comm_forward);
  force->pair->comm_reverse = std::max(force->pair->comm_reverse, comm_reverse);
  // one list for both kinds of terms: LAMMPS does not install the header that tells several lists apart
  neighbor->add_request(this, model_.neighborhoods ? NeighConst::REQ_FULL : NeighConst::REQ_DEFAULT);
  bodies_ = modify->get_compute_by_id("anisoap_bodies");
  if (!bodies_)
    bodies_ = modify->add_compute("anisoap_bodies all property/atom quatw quati quatj quatk shapex shapey shapez");
}

double PairAniSOAP::init_one(int, int) { return model_.cutoff; }

void PairAniSOAP::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  if (vflag_atom) error->all(FLERR, "{} has no stress per atom; use compute pressure", style_);
  gather();
  find_edges();
  const int64_t n_all = members_.size();
  energies_.assign(n_all, 0.0);
  forces_.assign(3 * n_all, 0.0);
  torques_.assign(3 * n_all, 0.0);
  n_local_ = std::lower_bound(members_.begin(), members_.end(), atom->nlocal) - members_.begin();
  const anisoap_step step{id_, n_local_, n_all, n_pair_edges_, n_neighborhood_edges_, positions_.data(),
                          quaternions_.data(), semiaxes_.data(), types_.data(), pair_edges_.data(),
                          pair_vectors_.data(), neighborhood_edges_.data(), energies_.data(), forces_.data(),
                          torques_.data()};
  std::string message;
  evaluated = this;
  by_member_ = true;
  const bool failed = !evaluate(step, message);
  by_member_ = false;
  evaluated = nullptr;
  if (failed && model_.width && comm->nprocs > 1) {  // the others wait for features
    fprintf(stderr, "ERROR: %s\n", message.c_str());
    MPI_Abort(world, 1);
  }
  refuse_everywhere(failed, message);
  for (int64_t m = 0; m < n_all; m++) {
    const int64_t i = members_[m];
    if (eflag_global) eng_vdwl += energies_[m];
    if (eflag_atom) eatom[i] += energies_[m];
    for (int k = 0; k < 3; k++) {
      atom->f[i][k] += forces_[3 * m + k];
      atom->torque[i][k] += torques_[3 * m + k];
    }
    if (vflag_global && !vflag_fdotr) {
      const double *x = &positions_[3 * m], *f = &forces_[3 * m];
      for (int k = 0; k < 3; k++) virial[k] += x[k] * f[k];
      virial[3] += x[1] * f[0];
      virial[4] += x[2] * f[0];
      virial[5] += x[2] * f[1];
    }
  }
  if (vflag_fdotr) virial_fdotr_compute();
}

// Members are looked for when LAMMPS makes its list, and must have a shape.
void PairAniSOAP::select_members() {
  const int n = atom->nlocal + atom->nghost;
  members_.clear();
  types_.clear();
  index_.assign(n, -1);
  for (int i = 0; i < n; i++) {
    if (!has_type_[atom->type[i]]) continue;
    index_[i] = members_.size();
    members_.push_back(i);
    types_.push_back(atom->type[i]);
  }
  tagint without = 0, any = 0;
  for (const int64_t i : members_) {
    if (i >= atom->nlocal) break;  // ghosts are their owners' to check
    // what property/atom says of a particle without a shape is a sphere of diameter 1
    if (atom->ellipsoid[i] < 0) without = std::max(without, atom->tag[i]);
  }
  MPI_Allreduce(&without, &any, 1, MPI_LMP_TAGINT, MPI_MAX, world);
  if (any)
    error->all(FLERR, "atom {} has no shape, expected an ellipsoid since the model acts on its type; use `set shape` "
                      "or NULL in pair_coeff", any);
}

void PairAniSOAP::gather() {
  const int n_local = atom->nlocal, n = n_local + atom->nghost;
  shapes_.resize(size_t(of_shape) * n);
  bodies_->compute_peratom();
  bodies_->invoked_peratom = update->ntimestep;
  for (int i = 0; i < n_local; i++) memcpy(&shapes_[of_shape * i], bodies_->array_atom[i], of_shape * sizeof(double));
  exchange(shapes_.data(), of_shape, false);
  if (neighbor->ago == 0 || int(index_.size()) != n) select_members();
  const size_t n_all = members_.size();
  positions_.resize(3 * n_all);
  quaternions_.resize(4 * n_all);
  semiaxes_.resize(3 * n_all);
  for (size_t m = 0; m < n_all; m++) {
    const double *shape = &shapes_[of_shape * members_[m]];
    memcpy(&positions_[3 * m], atom->x[members_[m]], 3 * sizeof(double));
    memcpy(&quaternions_[4 * m], shape, 4 * sizeof(double));
    for (int k = 0; k < 3; k++) semiaxes_[3 * m + k] = 0.5 * shape[4 + k];
  }
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

// Edges within the cutoff. The memory has room for all of LAMMPS' list, is kept between steps and never cleared.
void PairAniSOAP::find_edges() {
  const double square = model_.cutoff * model_.cutoff;
  size_t most = 0;
  for (int ii = 0; ii < list->inum; ii++) most += list->numneigh[list->ilist[ii]];
  if (model_.pairs) grow(pair_edges_, 4 * most), grow(pair_vectors_, 6 * most);
  if (model_.neighborhoods) grow(neighborhood_edges_, 2 * most);
  int64_t *first = pair_edges_.data(), *second = first + 2 * most;
  int64_t *neighbors = neighborhood_edges_.data(), *centers = neighbors + most;
  double *vectors = pair_vectors_.data();
  int64_t n_pairs = 0, n_neighborhoods = 0;  // edges
  const int64_t *index = index_.data();
  const double *const *positions = atom->x;
  const bool has_pairs = model_.pairs, has_neighborhoods = model_.neighborhoods;
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    const int64_t center = index[i];
    if (center < 0) continue;
    const double x[3] = {positions[i][0], positions[i][1], positions[i][2]};
    const int *found = list->firstneigh[i], n_found = list->numneigh[i];
    for (int jj = 0; jj < n_found; jj++) {
      const int j = found[jj] & NEIGHMASK;
      const double r[3] = {positions[j][0] - x[0], positions[j][1] - x[1], positions[j][2] - x[2]};
      const int64_t neighbor = index[j];
      if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= square || neighbor < 0) continue;
      if (has_neighborhoods) {
        neighbors[n_neighborhoods] = neighbor;
        centers[n_neighborhoods++] = center;
      }
      if (!has_pairs || (has_neighborhoods && !is_first(i, j))) continue;
      first[n_pairs] = second[n_pairs + 1] = neighbor;
      second[n_pairs] = first[n_pairs + 1] = center;
      for (int k = 0; k < 3; k++) {
        vectors[3 * n_pairs + k] = r[k];
        vectors[3 * n_pairs + 3 + k] = -r[k];
      }
      n_pairs += 2;
    }
  }
  std::copy(second, second + n_pairs, first + n_pairs);  // rows of [2, edge]
  std::copy(centers, centers + n_neighborhoods, neighbors + n_neighborhoods);
  n_pair_edges_ = n_pairs;
  n_neighborhood_edges_ = n_neighborhoods;
}

// Refuses on all ranks what one of them refuses, in the words of the first that does.
void PairAniSOAP::refuse_everywhere(bool failed, const std::string &message) {
  int mine = failed ? comm->me : comm->nprocs, who = 0;
  MPI_Allreduce(&mine, &who, 1, MPI_INT, MPI_MIN, world);
  if (who == comm->nprocs) return;
  char text[message_size] = "";
  strncpy(text, message.c_str(), message_size - 1);
  MPI_Bcast(text, message_size, MPI_CHAR, who, world);
  error->all(FLERR, "{}: {}", style_, text);
}

void PairAniSOAP::exchange(double *features, int width, bool reverse) {
  data_ = features;
  width_ = width;
  if (!reverse) return comm->forward_comm(this, width);
  comm->reverse_comm(this, width);
  std::fill(features + n_local_ * width, features + members_.size() * width, 0.0);  // the owners have them now
}

double *PairAniSOAP::row(int i) {
  const int64_t at = by_member_ ? index_[i] : i;
  return at < 0 ? nullptr : data_ + at * width_;
}

int PairAniSOAP::pack_forward_comm(int n, int *which, double *buffer, int, int *) {
  for (int i = 0; i < n; i++, buffer += width_)
    if (const double *values = row(which[i])) memcpy(buffer, values, width_ * sizeof(double));
  return width_ * n;
}
void PairAniSOAP::unpack_forward_comm(int n, int first, double *buffer) {
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
