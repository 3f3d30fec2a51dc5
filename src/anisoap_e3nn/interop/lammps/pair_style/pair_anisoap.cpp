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

#if __has_include("anisoap_kernels.h")
#include "anisoap_kernels.h"
#endif

namespace LAMMPS_NS {
namespace {
constexpr int message_size = 4096;  // bytes
struct Coupling {
  int64_t number;
  anisoap_functions functions;
};
std::map<LAMMPS *, Coupling> couplings;
int64_t n_couplings = 0, n_styles = 0;
}  // namespace

PairAniSOAP *evaluated = nullptr;
int64_t use_functions(LAMMPS *lmp, const anisoap_functions &functions) {
  couplings[lmp] = {++n_couplings, functions};
  return n_couplings;
}
void drop_functions(LAMMPS *lmp, int64_t number) {
  const auto found = couplings.find(lmp);
  if (found != couplings.end() && found->second.number == number) couplings.erase(found);
}

PairAniSOAP::PairAniSOAP(LAMMPS *lmp, const char *style)
    : Pair(lmp), style_(std::string("pair_style ") + style), id_(n_styles++) {
  single_enable = restartinfo = 0;
  one_coeff = manybody_flag = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  comm_forward = comm_reverse = widest_property;
}

PairAniSOAP::~PairAniSOAP() {
  if (!allocated) return;
  memory->destroy(setflag);
  memory->destroy(cutsq);
}

// The functions of this LAMMPS, or null after writing what is wrong into `message`. The model that has been opened, and
// the memory of its kernel, belong to the coupling of a number.
const anisoap_functions *PairAniSOAP::functions(std::string &message, int64_t number) const {
  const auto found = couplings.find(lmp);
  if (found == couplings.end())
    message = "this LAMMPS has no models; run the script by `anisoap-e3nn lammps run`, or call "
              "anisoap_e3nn.interop.lammps.couple before it";
  else if (number && found->second.number != number)
    message = "the coupling that opened the model has ended; give pair_coeff again";
  else
    return &found->second.functions;
  return nullptr;
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
  // nothing is left of an earlier model, also where this one is refused
  model_ = {};
  n_pair_edges_ = n_neighborhood_edges_ = 0;
  needs_setup_ = true;
  for (int i = 1; i <= n; i++)
    for (int j = i; j <= n; j++) setflag[i][j] = 0;
  std::string message;
  const bool opened = open({arg + 2, arg + narg}, message);
  refuse_everywhere(!opened, message);
  has_type_.assign(n + 1, false);
  for (int i = 1; i <= n; i++) has_type_[i] = strcmp(arg[2 + i], "NULL") != 0;
  for (int i = 1; i <= n; i++)
    for (int j = i; j <= n; j++) setflag[i][j] = has_type_[i] && has_type_[j];
  comm_forward = comm_reverse = std::max<int>(widest_property, model_.width);
}

bool PairAniSOAP::open(const std::vector<std::string> &words, std::string &message) {
  const anisoap_functions *const functions = this->functions(message);
  if (!functions) return false;
  coupling_ = couplings[lmp].number;
  std::string lines = words[0];
  for (size_t k = 1; k < words.size(); k++) lines += "\n" + words[k];
  char text[message_size] = "";
  const int failed = functions->open(lines.c_str(), update->unit_style, id_, &model_, text, message_size);
  message = text;
  return !failed;
}

bool PairAniSOAP::evaluate(const anisoap_step &step, std::string &message) {
  const anisoap_functions *const functions = this->functions(message, coupling_);
  if (!functions) return false;
  char text[message_size] = "";
  const int failed = functions->evaluate(&step, text, message_size);
  message = text;
  return !failed;
}

// Returns false without a kernel, or if it refuses something; Python then says what is wrong.
bool PairAniSOAP::evaluate_kernel() {
#if __has_include("anisoap_kernels.h")
  const anisoap_kernel &kernel = model_.kernel;
  std::string message;
  if (!kernel.evaluate || !functions(message, coupling_)) return false;
  find_edges(true);
  const anisoap_step step = this->step();
  const anisoap_pairs pairs{1, int(kernel.threads), step.n_all, kernel.n_known_types, step.n_pair_edges,
                            kernel_types_.data(), kernel.known_types, step.quaternions, step.semiaxes,
                            nullptr, step.positions, step.pair_edges, pair_centers_, step.energies, step.forces,
                            step.torques};
  char refusal[ANISOAP_MESSAGE_SIZE];
  if (kernel.evaluate(&pairs, kernel.constants, refusal)) return false;
  if (kernel.factor != 1)
    for (auto *results : {&energies_, &forces_, &torques_})
      for (double &value : *results) value *= kernel.factor;
  return true;
#else
  return false;
#endif
}

void PairAniSOAP::init_style() {
  if (!force->newton_pair) error->all(FLERR, "{} found newton off, expected newton on", style_);
  if (!atom->ellipsoid_flag) error->all(FLERR, "{} expects atom_style ellipsoid, or hybrid with it", style_);
  if (atom->tag_enable == 0) error->all(FLERR, "{} expects atoms with IDs", style_);
  needs_setup_ = false;
  needs_selection_ = true;
  // hybrid styles learn of the width before the model does
  force->pair->comm_forward = std::max(force->pair->comm_forward, comm_forward);
  force->pair->comm_reverse = std::max(force->pair->comm_reverse, comm_reverse);
  // one list for both kinds of terms: LAMMPS does not install the header that tells several lists apart
  neighbor->add_request(this, model_.neighborhoods ? NeighConst::REQ_FULL : NeighConst::REQ_DEFAULT);
  const auto property = [this](const std::string &id, const std::string &names) {
    Compute *found = modify->get_compute_by_id(id);
    return found ? found : modify->add_compute(id + " all property/atom " + names);
  };
  orientations_ = property("anisoap_orientations", "quatw quati quatj quatk");
  diameters_ = property("anisoap_diameters", "shapex shapey shapez");
}

double PairAniSOAP::init_one(int, int) { return model_.cutoff; }

void PairAniSOAP::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  if (needs_setup_)
    error->all(FLERR, "{} found `run ... pre no` after pair_coeff, expected a run with a setup", style_);
  if (vflag_atom) error->all(FLERR, "{} has no stress per atom; use compute pressure", style_);
  gather();
  std::string message;
  const bool failed = !evaluate_kernel() && !evaluate_model(message);
  refuse_everywhere(failed, message);
  add_results();
  if (vflag_fdotr) virial_fdotr_compute();
}

anisoap_step PairAniSOAP::step() {
  const int64_t n_all = members_.size();
  return {id_, selection_, n_local_, n_all, n_pair_edges_, n_neighborhood_edges_, positions(), quaternions_.data(),
          semiaxes_.data(), types_.data(), pair_edges_.data(), pair_vectors_.data(), neighborhood_edges_.data(),
          energies_.data(), forces_.data(), torques_.data()};
}

bool PairAniSOAP::evaluate_model(std::string &message) {
  find_edges(false);
  evaluated = this;
  const bool failed = !evaluate(step(), message);
  evaluated = nullptr;
  if (failed) message += overlap();
  if (failed && model_.width && comm->nprocs > 1) {  // the others wait for features
    fprintf(stderr, "ERROR: %s\n", message.c_str());
    MPI_Abort(world, 1);
  }
  return !failed;
}

// Adds what the model has written to LAMMPS' sums.
void PairAniSOAP::add_results() {
  const int64_t n_all = members_.size();
  if (n_all == 0) return;
  double *const f = atom->f[0], *const torque = atom->torque[0];  // their rows follow one another
  if (are_all_) {
    for (int64_t k = 0; k < 3 * n_all; k++) f[k] += forces_[k];
    for (int64_t k = 0; k < 3 * n_all; k++) torque[k] += torques_[k];
  } else {
    for (int64_t k = 0; k < 3 * n_all; k++) {
      const int64_t at = 3 * members_[k / 3] + k % 3;
      f[at] += forces_[k];
      torque[at] += torques_[k];
    }
  }
  for (int64_t m = 0; eflag_either && m < n_all; m++) {
    if (eflag_global) eng_vdwl += energies_[m];
    if (eflag_atom) eatom[members_[m]] += energies_[m];
  }
  for (int64_t m = 0; vflag_global && !vflag_fdotr && m < n_all; m++) {
    const double *x = positions() + 3 * m, *force = &forces_[3 * m];
    for (int k = 0; k < 3; k++) virial[k] += x[k] * force[k];
    virial[3] += x[1] * force[0];
    virial[4] += x[2] * force[0];
    virial[5] += x[2] * force[1];
  }
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
}  // namespace LAMMPS_NS
