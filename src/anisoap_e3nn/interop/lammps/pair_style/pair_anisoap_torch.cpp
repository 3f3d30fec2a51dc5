#include "pair_anisoap_torch.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "comm.h"
#include "operations.h"
#include "update.h"

namespace LAMMPS_NS {
namespace {
const char *const format = "anisoap-e3nn pair_style 3";

template <class T> std::vector<T> numbers(const std::string &text) {
  std::istringstream words(text);
  return {std::istream_iterator<T>(words), std::istream_iterator<T>()};
}

template <class T> std::string listed(const std::vector<T> &values) {
  std::ostringstream text;
  for (size_t k = 0; k < values.size(); k++) text << (k ? ", " : "[") << values[k];
  return values.empty() ? "an integer" : text.str() + "]";
}

// One of the model's types, or 0 for NULL, whose particles no model sees.
int64_t type_of(const std::string &word, size_t atom_type, const std::string &name,
                const std::vector<int64_t> &known) {
  if (word == "NULL") return 0;
  size_t length = 0;
  int64_t type = 0;
  try {
    type = std::stoll(word, &length);
  } catch (const std::logic_error &) {  // no integer
  }
  if (length != word.size() || (!known.empty() && std::find(known.begin(), known.end(), type) == known.end()))
    throw std::invalid_argument("found type '" + word + "' in pair_coeff for atom type " + std::to_string(atom_type) +
                                ", expected NULL or one of the types of " + name + ", " + listed(known));
  return type;
}

double energy_factor(const std::string &units, const std::vector<std::string> &styles,
                     const std::vector<double> &factors, const std::string &of_script) {
  if (units.empty()) return 1;
  const auto found = std::find(styles.begin(), styles.end(), of_script);
  if (found == styles.end())
    throw std::invalid_argument("found units " + of_script + " in the script, expected those of the model, " + units);
  return factors[found - styles.begin()];
}

// What to say of a file that is refused in these words.
std::string unopened(const std::string &name, const std::string &words) {
  const std::string reason = words.substr(0, words.find("Exception raised from"));
  for (const char *const other : {"Failed to find a generated cpp file", "Failed to initialize zip archive"})
    if (reason.find(other) != std::string::npos)
      return name + " is no compiled package; `anisoap-e3nn export` makes one of a saved model, which pair_style "
                    "anisoap takes as it is";
  return name + " cannot be opened, expected a package of `anisoap-e3nn export` for this machine and version of "
                "torch: " + reason;
}

template <class T> at::Tensor tensor(const T *memory, std::vector<int64_t> shape) {
  const auto kind = std::is_same_v<T, double> ? at::kDouble : at::kLong;
  if (!memory) return at::empty(shape, kind);  // a rank without edges
  return at::from_blob(const_cast<T *>(memory), shape, at::TensorOptions(kind));
}

// Calls `work`, and returns false after writing what is wrong into `message`.
template <class Work> bool answered(std::string &message, const Work &work) {
  try {
    work();
    return true;
  } catch (const c10::Error &error) {
    message = error.what_without_backtrace();
  } catch (const std::exception &error) {
    message = error.what();
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  return false;
}
}  // namespace

bool PairAniSOAPTorch::open(const std::vector<std::string> &words, std::string &message) {
  return answered(message, [&] {
    const std::string &name = words[0];
    if (!std::filesystem::is_regular_file(name)) throw std::invalid_argument("no such file: " + name);
    anisoap::register_operations();
    at::set_num_threads(comm->nthreads);
    try {
      package_ = std::make_unique<torch::inductor::AOTIModelPackageLoader>(name, "model", true);
    } catch (const std::exception &error) {
      const auto *const of_torch = dynamic_cast<const c10::Error *>(&error);
      throw std::invalid_argument(unopened(name, of_torch ? of_torch->what_without_backtrace() : error.what()));
    }
    auto metadata = package_->get_metadata();
    if (metadata["format"] != format)
      throw std::invalid_argument("found format '" + metadata["format"] + "' in " + name + ", expected '" + format +
                                  "'; make it by `anisoap-e3nn export`");
    factor_ = energy_factor(metadata["units"], numbers<std::string>(metadata["unit_styles"]),
                            numbers<double>(metadata["energy_factors"]), update->unit_style);
    pair_cutoffs_ = numbers<double>(metadata["pair_cutoffs"]);
    neighborhood_cutoffs_ = numbers<double>(metadata["neighborhood_cutoffs"]);
    model_ = {std::stod(metadata["cutoff"]), !pair_cutoffs_.empty(), !neighborhood_cutoffs_.empty(),
              std::stoll(metadata["exchanged_width"])};
    const auto known = numbers<int64_t>(metadata["types"]);
    known_type_ = known.empty() ? 0 : known.front();
    types_.assign(1, 0);  // LAMMPS counts from 1
    for (size_t k = 1; k < words.size(); k++) types_.push_back(type_of(words[k], k, name, known));
  });
}

// Particles, then edges and vectors for each cutoff of pairs, then edges for each cutoff of neighbourhoods.
std::vector<at::Tensor> PairAniSOAPTorch::inputs(const anisoap_step &step) const {
  const int64_t n = step.n_all;
  at::Tensor positions = tensor(step.positions, {n, 3}), quaternions = tensor(step.quaternions, {n, 4}),
             semiaxes = tensor(step.semiaxes, {n, 3});
  at::Tensor types = tensor(types_.data(), {int64_t(types_.size())}).index_select(0, tensor(step.types, {n}));
  const auto within = [this](const at::Tensor &vectors, double cutoff) {
    return (vectors.square().sum(1) < cutoff * cutoff).nonzero().squeeze(1);
  };
  std::vector<at::Tensor> edges, vectors;
  const at::Tensor pair_edges = tensor(step.pair_edges, {2, step.n_pair_edges}),
                   pair_vectors = tensor(step.pair_vectors, {step.n_pair_edges, 3}),
                   neighborhood_edges = tensor(step.neighborhood_edges, {2, step.n_neighborhood_edges});
  for (const double cutoff : pair_cutoffs_) {
    edges.push_back(pair_edges);
    vectors.push_back(pair_vectors);
    if (cutoff == model_.cutoff) continue;
    const at::Tensor some = within(pair_vectors, cutoff);
    edges.back() = pair_edges.index_select(1, some);
    vectors.back() = pair_vectors.index_select(0, some);
  }
  for (const double cutoff : neighborhood_cutoffs_) {
    edges.push_back(neighborhood_edges);
    if (cutoff == model_.cutoff) continue;
    const at::Tensor r = positions.index_select(0, neighborhood_edges[0]) -
                         positions.index_select(0, neighborhood_edges[1]);
    edges.back() = neighborhood_edges.index_select(1, within(r, cutoff));
  }
  // Compiled models take two or more of everything: two spheres more, beyond each other's cutoff.
  bool is_small = n < 2;
  for (const at::Tensor &each : edges) is_small |= each.size(1) < 2;
  if (is_small) {
    const double far = 2 * model_.cutoff;
    const auto real = at::TensorOptions(at::kDouble), whole = at::TensorOptions(at::kLong);
    const at::Tensor more = at::tensor({0.0, 0.0, 0.0, far, 0.0, 0.0}, real).view({2, 3});
    positions = at::cat({positions, more});
    quaternions = at::cat({quaternions, at::eye(4, real).slice(0, 0, 1).expand({2, 4})});
    semiaxes = at::cat({semiaxes, at::full({2, 3}, 0.1 * model_.cutoff, real)});
    types = at::cat({types, at::full({2}, known_type_, whole)});
    const at::Tensor both = at::tensor({n, n + 1, n + 1, n}, whole).view({2, 2});
    for (at::Tensor &each : edges) each = at::cat({each, both}, 1);
    for (at::Tensor &each : vectors) each = at::cat({each, at::stack({more[0] - more[1], more[1] - more[0]})});
  }
  std::vector<at::Tensor> all{positions, quaternions, semiaxes, types,
                              at::scalar_tensor(step.n_local, at::TensorOptions(at::kLong))};
  for (size_t k = 0; k < edges.size(); k++) {
    all.push_back(edges[k]);
    if (k < vectors.size()) all.push_back(vectors[k]);
  }
  return all;
}

bool PairAniSOAPTorch::evaluate(const anisoap_step &step, std::string &message) {
  if (step.n_all == 0 && model_.width == 0) return true;  // no other rank waits for features
  return answered(message, [&] {
    const c10::AutoGradMode without_graph(false);
    const std::vector<at::Tensor> found = package_->run(inputs(step));
    double *const results[] = {step.energies, step.forces, step.torques};
    for (int k = 0; k < 3; k++) {
      const at::Tensor of_particles = found[k].slice(0, 0, step.n_all);
      tensor(results[k], of_particles.sizes().vec()).copy_(of_particles * factor_);
    }
  });
}
}  // namespace LAMMPS_NS

extern "C" void *anisoap_create_torch_style(void *lmp) {
  return new LAMMPS_NS::PairAniSOAPTorch(static_cast<LAMMPS_NS::LAMMPS *>(lmp));
}
