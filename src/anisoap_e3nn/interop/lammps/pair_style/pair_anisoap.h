// pair_style anisoap: a potential of ellipsoids whose model is evaluated by functions given at run time.
#pragma once

#include <string>
#include <vector>

#include "interface.h"
#include "pair.h"

namespace LAMMPS_NS {

class PairAniSOAP : public Pair {
 public:
  static constexpr int widest_property = 4;  // that of orientations, w x y z

  explicit PairAniSOAP(LAMMPS *lmp, const char *style = "anisoap");
  ~PairAniSOAP() override;

  void settings(int narg, char **arg) override;
  void coeff(int narg, char **arg) override;
  void init_style() override;
  double init_one(int i, int j) override;
  void compute(int eflag, int vflag) override;

  // Features [all, width]: owners' values to their ghosts or, in reverse, ghosts' added to their owners', and 0 then.
  void exchange(double *features, int width, bool reverse);
  int pack_forward_comm(int n, int *which, double *buffer, int, int *) override;
  void unpack_forward_comm(int n, int first, double *buffer) override;
  int pack_reverse_comm(int n, int first, double *buffer) override;
  void unpack_reverse_comm(int n, int *which, double *buffer) override;

 protected:
  anisoap_model model_{};

  // Opens the model of pair_coeff: its name, and its type for each of LAMMPS' types or NULL. Like `evaluate`, it
  // returns false after writing what is wrong into `message`.
  virtual bool open(const std::vector<std::string> &words, std::string &message);
  virtual bool evaluate(const anisoap_step &step, std::string &message);

 private:
  const std::string style_;
  int64_t id_, coupling_ = 0;  // numbers of the style, and of the coupling that opened its model
  std::vector<bool> has_type_;  // [type + 1], whether the model acts on the LAMMPS type
  class Compute *orientations_ = nullptr, *diameters_ = nullptr;

  bool needs_setup_ = true;      // by LAMMPS, since pair_coeff
  bool needs_selection_ = true;  // of members, since the setup
  std::vector<int64_t> members_, index_;  // LAMMPS' indices of the model's particles, and back (or -1)
  bool are_all_ = false;                  // whether all particles are the model's
  int64_t selection_ = 0, n_local_ = 0;
  std::vector<int64_t> types_, kernel_types_;  // LAMMPS' types, and the model's for a kernel
  std::vector<double> positions_, quaternions_, semiaxes_, energies_, forces_, torques_;
  std::vector<int64_t> pair_edges_, neighborhood_edges_;
  std::vector<double> pair_vectors_;
  const int64_t *pair_centers_ = nullptr;
  int64_t n_pair_edges_ = 0, n_neighborhood_edges_ = 0;
  double *features_ = nullptr;  // that are exchanged
  int width_ = 0;

  const anisoap_functions *functions(std::string &message, int64_t number = 0) const;
  std::vector<int64_t> types_of_all();
  void select_members();
  void gather();
  void read(class Compute *property, double *values, int width, double factor);
  const double *positions() const;
  bool evaluate_kernel();
  bool evaluate_model(std::string &message);
  anisoap_step step();
  void find_edges(bool for_kernel);
  template <class Keep>
  int64_t select_edges(int64_t *neighbors, int64_t *centers, double *vectors, const Keep &keep);
  template <bool are_all, bool with_vectors, class Keep>
  int64_t select_edges_of(int64_t *neighbors, int64_t *centers, double *vectors, const Keep &keep);
  bool is_first(int i, int j) const;
  std::string overlap() const;
  void add_results();
  void refuse_everywhere(bool failed, const std::string &message);
  double *row(int i);
};

// Couples a LAMMPS to functions, and returns the coupling's number, by which it is ended. LAMMPS may be gone then, and
// another one in its place.
int64_t use_functions(LAMMPS *lmp, const anisoap_functions &functions);
void drop_functions(LAMMPS *lmp, int64_t number);
extern PairAniSOAP *evaluated;  // the style whose model is being evaluated, or null
}  // namespace LAMMPS_NS
