// Schemas are those of anisoap_e3nn/ops/backends/native.py and pair_operations.py.
#include "operations.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "kernel_calls.h"
#include "network_operations.h"

namespace anisoap {
namespace {
using Terms = std::tuple<Tensor, Tensor, Tensor>;
using Derivatives = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Maybe contiguous(const Maybe &tensor) { return tensor ? Maybe(tensor->contiguous()) : tensor; }

// Particles and edges of a potential of pairs, contiguous, and its results.
struct Pairs {
  Tensor types, known_types, quaternions, semiaxes, edge_vectors, edge_index, energies, forces, torques;

  Pairs(const Tensor &types, const Tensor &known_types, const Tensor &quaternions, const Tensor &semiaxes,
        const Tensor &edge_vectors, const Tensor &edge_index)
      : types(types.contiguous()), known_types(known_types.contiguous()), quaternions(quaternions.contiguous()),
        semiaxes(semiaxes.contiguous()), edge_vectors(edge_vectors.contiguous()), edge_index(edge_index.contiguous()) {
    const int64_t n = types.size(0);
    energies = at::empty({n}, semiaxes.options());
    forces = at::empty({n, 3}, semiaxes.options());
    torques = at::empty({n, 3}, semiaxes.options());
  }

  anisoap_pairs arguments() const {
    const int64_t *const neighbors = indices(edge_index);
    return {is_double(semiaxes), at::get_num_threads(), types.size(0), known_types.size(0), edge_index.size(1),
            indices(types), indices(known_types), data(quaternions), data(semiaxes), data(edge_vectors),
            nullptr, neighbors, neighbors + edge_index.size(1), energies.data_ptr(), forces.data_ptr(),
            torques.data_ptr()};
  }
  Terms terms() const { return {energies, forces, torques}; }
};

Terms gay_berne(const Tensor &types, const Tensor &known_types, const Tensor &quaternions, const Tensor &semiaxes,
                const Tensor &edge_vectors, const Tensor &edge_index, const Tensor &epsilon, const Tensor &sigma,
                const Tensor &well_depths, const Tensor &is_sphere, double cutoff, double smoothing_width,
                double gamma, double upsilon, double mu, bool shift) {
  const Pairs pairs(types, known_types, quaternions, semiaxes, edge_vectors, edge_index);
  const Tensor constants[] = {epsilon.contiguous(), sigma.contiguous(), well_depths.contiguous(),
                              is_sphere.to(at::kByte).contiguous()};
  const anisoap_pairs arguments = pairs.arguments();
  const anisoap_gay_berne_numbers numbers{data(constants[0]), data(constants[1]), data(constants[2]),
                                          constants[3].const_data_ptr<uint8_t>(), cutoff, smoothing_width, gamma,
                                          upsilon, mu, shift};
  served([&](char *message) { return anisoap_gay_berne(&arguments, &numbers, message); });
  return pairs.terms();
}

Terms pair_potential(const Tensor &types, const Tensor &known_types, const Tensor &quaternions,
                     const Tensor &semiaxes, const Tensor &edge_vectors, const Tensor &edge_index,
                     const Tensor &weights, int64_t n_types, double thickness, int64_t n_radial,
                     const Tensor &shorter, const Tensor &factors, const Tensor &exchanged, double cutoff,
                     double decay_length, double switch_width, double smallest_gap, double floor_width) {
  const Pairs pairs(types, known_types, quaternions, semiaxes, edge_vectors, edge_index);
  const Tensor constants[] = {weights.contiguous(), shorter.contiguous(), factors.contiguous(),
                              exchanged.contiguous()};
  const anisoap_pairs arguments = pairs.arguments();
  const anisoap_pair_potential_numbers numbers{
      constants[0].numel(), constants[1].numel(), data(constants[0]), indices(constants[1]), indices(constants[2]),
      indices(constants[3]), n_types, n_radial, thickness, cutoff, decay_length, switch_width, smallest_gap,
      floor_width};
  served([&](char *message) { return anisoap_pair_potential(&arguments, &numbers, message); });
  return pairs.terms();
}

// Where each moment is stored, as ops/monomials.py has it, for exponents in rising order.
std::vector<int64_t> moment_positions(int64_t degree) {
  using Key = std::array<int64_t, 7>;  // parities, degree, exponents
  std::vector<Key> rising;
  for (int64_t a = 0; a <= degree; a++)
    for (int64_t b = 0; a + b <= degree; b++)
      for (int64_t c = 0; a + b + c <= degree; c++) rising.push_back({a % 2, b % 2, c % 2, a + b + c, a, b, c});
  std::vector<Key> stored = rising;
  std::sort(stored.begin(), stored.end());
  std::vector<int64_t> positions;
  for (const Key &key : rising)
    positions.push_back(std::lower_bound(stored.begin(), stored.end(), key) - stored.begin());
  return positions;
}

// Arguments of gaussian_moments, contiguous.
struct Moments {
  Tensor edge_vectors, neighbors, segments, covariances, weights;
  Maybe pair_weights, own_segments;
  int64_t n_segments, degree;
  double exponent;
  std::vector<int64_t> positions;

  Moments(const Tensor &edge_vectors, const Tensor &neighbors, const Tensor &segments, int64_t n_segments,
          const Tensor &covariances, const Tensor &weights, const Maybe &pair_weights, const Maybe &own_segments,
          double exponent, int64_t degree)
      : edge_vectors(edge_vectors.contiguous()), neighbors(neighbors.contiguous()), segments(segments.contiguous()),
        covariances(covariances.contiguous()), weights(weights.contiguous()), pair_weights(contiguous(pair_weights)),
        own_segments(contiguous(own_segments)), n_segments(n_segments), degree(degree), exponent(exponent),
        positions(moment_positions(degree)) {}

  anisoap_moments arguments() const {
    return {is_double(edge_vectors), at::get_num_threads(), edge_vectors.size(0), covariances.size(0), n_segments,
            degree, data(edge_vectors), indices(neighbors), indices(segments), data(covariances), data(weights),
            data(pair_weights), own_segments ? indices(*own_segments) : nullptr, exponent, positions.data()};
  }
};

Tensor gaussian_moments(const Tensor &edge_vectors, const Tensor &neighbors, const Tensor &segments,
                        int64_t n_segments, const Tensor &covariances, const Tensor &weights,
                        const Maybe &pair_weights, const Maybe &own_segments, double exponent, int64_t degree) {
  const Moments of(edge_vectors, neighbors, segments, n_segments, covariances, weights, pair_weights, own_segments,
                   exponent, degree);
  Tensor moments = at::empty({n_segments, int64_t(of.positions.size())}, edge_vectors.options());
  const anisoap_moments arguments = of.arguments();
  served([&](char *message) { return anisoap_gaussian_moments(&arguments, moments.data_ptr(), message); });
  return moments;
}

// Derivatives that nobody needs have size 0.
Derivatives gaussian_moments_backward(const Tensor &cotangent, const Tensor &edge_vectors, const Tensor &neighbors,
                                      const Tensor &segments, int64_t n_segments, const Tensor &covariances,
                                      const Tensor &weights, const Maybe &pair_weights, const Maybe &own_segments,
                                      double exponent, int64_t degree, bool of_particles) {
  const Moments of(edge_vectors, neighbors, segments, n_segments, covariances, weights, pair_weights, own_segments,
                   exponent, degree);
  const auto memory = [&](bool needed, const Tensor &like) {
    return needed ? at::empty(like.sizes(), edge_vectors.options()) : at::empty({0}, edge_vectors.options());
  };
  Tensor d_vectors = memory(true, edge_vectors), d_covariances = memory(of_particles, covariances),
         d_weights = memory(of_particles, weights),
         d_pair_weights = memory(pair_weights.has_value(), pair_weights.value_or(edge_vectors));
  const Tensor cotangents = cotangent.contiguous();
  const anisoap_moments arguments = of.arguments();
  served([&](char *message) {
    return anisoap_gaussian_moments_backward(
        &arguments, data(cotangents), d_vectors.data_ptr(), of_particles ? d_covariances.data_ptr() : nullptr,
        of_particles ? d_weights.data_ptr() : nullptr, pair_weights ? d_pair_weights.data_ptr() : nullptr, message);
  });
  return {d_vectors, d_covariances, d_weights, d_pair_weights};
}

const char *const moment_inputs =
    "Tensor edge_vectors, Tensor neighbors, Tensor segments, SymInt n_segments, Tensor covariances, Tensor weights, "
    "Tensor? pair_weights, Tensor? own_segments, float exponent, SymInt degree";
const char *const pair_inputs =
    "Tensor types, Tensor known_types, Tensor quaternions, Tensor semiaxes, Tensor edge_vectors, Tensor edge_index";
}  // namespace

void register_operations() {
  static torch::Library library(torch::Library::FRAGMENT, "anisoap_e3nn", std::nullopt, __FILE__, __LINE__);
  const std::string moments = moment_inputs, pairs = pair_inputs;
  define(library, "gaussian_moments", "(" + moments + ") -> Tensor", &gaussian_moments);
  define(library, "gaussian_moments_backward",
         "(Tensor cotangent, " + moments + ", bool of_particles) -> (Tensor, Tensor, Tensor, Tensor)",
         &gaussian_moments_backward);
  define(library, "gay_berne",
         "(" + pairs + ", Tensor epsilon, Tensor sigma, Tensor well_depths, Tensor is_sphere, float cutoff, "
         "float smoothing_width, float gamma, float upsilon, float mu, bool shift) -> (Tensor, Tensor, Tensor)",
         &gay_berne);
  define(library, "pair_potential",
         "(" + pairs + ", Tensor weights, int n_types, float thickness, int n_radial, Tensor shorter, "
         "Tensor factors, Tensor exchanged, float cutoff, float decay_length, float switch_width, "
         "float smallest_gap, float floor_width) -> (Tensor, Tensor, Tensor)",
         &pair_potential);
  define_network_operations(library);
}
}  // namespace anisoap
