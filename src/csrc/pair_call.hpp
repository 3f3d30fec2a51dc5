// One call of a potential of pairs on particles and edges as a user gives them, whoever calls.
#pragma once

#include <cmath>
#include <vector>

#include "instruction_sets.hpp"
#include "pair_basis.hpp"
#include "pair_gay_berne.hpp"
#include "pair_problem.hpp"

namespace anisoap {

// What is to be refused; the plain definitions say more.
enum class PairRefusal { none, types, particles, edges };

template <class T>
struct PairCall {
    Particles<T> particles;
    std::vector<std::int64_t> known_types;
    PairEdges<T> edges;
    int threads;
};

// Builds records and the list of pairs, and runs `work` on them, unless something is to be refused.
template <class T, class Fill, class Work>
PairRefusal with_pairs(const PairCall<T>& call, const Fill& fill, const Work& work) {
    std::vector<int> types;
    const Particles<T>& particles = call.particles;
    if (!find_types(particles.types, particles.n, call.known_types, types)) return PairRefusal::types;
    std::vector<PairRecord<T>> records(particles.n);
    for (std::int64_t j = 0; j < particles.n; ++j) {
        T R[9];
        if (!rotation_of(particles, j, R) || !all_finite(R, 9) || !all_finite(particles.semiaxes + 3 * j, 3) ||
            !fill(R, particles.semiaxes + 3 * j, types[j], records[j]))
            return PairRefusal::particles;
    }
    const PairProblem<T> problem(call.edges, types, int(call.known_types.size()), call.threads);
    if (!problem.is_legal) return PairRefusal::edges;
    work(problem, records);
    return PairRefusal::none;
}

inline PairFunction<double> kernel_for(const PairPotentialKernels& kernels, double) { return kernels.f64; }
inline PairFunction<float> kernel_for(const PairPotentialKernels& kernels, float) { return kernels.f32; }
inline PairFunction<double> kernel_for(const GayBerneKernels& kernels, double) { return kernels.f64; }
inline PairFunction<float> kernel_for(const GayBerneKernels& kernels, float) { return kernels.f32; }

// Numbers of a PairPotential and its products of invariants.
struct PairFunctionsArguments {
    int n_types;
    double thickness;  // a length, whose square is added to the squares of the semi-axes
    int n_radial;
    std::int64_t n_products;
    const std::int64_t *shorter, *factors, *exchanged;  // [product]
    double cutoff, decay_length, switch_width, smallest_gap, floor_width;

    void check() const {
        require(n_types > 0 && n_radial > 0, "n_types and n_radial are too small");
        require(n_products > 0, "products do not match");
        for (std::int64_t p = 0; p < n_products; ++p)
            require(shorter[p] >= 0 && shorter[p] < std::max<std::int64_t>(p, 1) && factors[p] >= 0 &&
                        factors[p] < 14 && exchanged[p] >= 0 && exchanged[p] < n_products,
                    "a product is out of range");
    }
};

// The functions of a PairPotential.
template <class T>
class PairFunctions {
  public:
    PairBasisStorage<T> storage;

    explicit PairFunctions(const PairFunctionsArguments& of)
        : storage(of.n_types, of.n_radial, of.shorter, of.factors, (of.check(), of.exchanged), of.n_products, of.cutoff,
                  of.decay_length, of.switch_width, of.smallest_gap, of.floor_width),
          thickness_(T(of.thickness)) {}

    // Fills the record of a particle; false if it is to be refused.
    bool operator()(const T (&R)[9], const T* axes, int, PairRecord<T>& record) const {
        T squares[3];
        for (int k = 0; k < 3; ++k) {
            if (!(axes[k] >= 0)) return false;
            squares[k] = axes[k] * axes[k];
        }
        rotate(R, squares, record.shape);
        for (const int k : {0, 3, 5}) record.shape[k] += thickness_ * thickness_;
        return all_finite(record.shape, 6);
    }

    void check(std::size_t n_known_types) const {
        require(std::int64_t(n_known_types) == storage.basis.n_types, "types do not match the basis");
    }

    PairRefusal derivatives(const PairCall<T>& call, const T* weights, const PairSums<T>& sums) {
        storage.set_weights(weights);
        const auto& kernels = chosen->pair_potential;
        return with_pairs(call, *this, [&](const auto& problem, const auto& records) {
            problem.run(kernel_for(kernels, T()), storage.basis.workspace_vectors() * kernels.vector_bytes, records,
                        &storage.basis, sums);
        });
    }

  private:
    T thickness_;
};

// Parameters of a GayBerne as it has them.
template <class T>
struct GayBerneArguments {
    const T *epsilon, *sigma;  // [type, type]
    const T* well_depths;      // [type, 3]
    const bool* is_sphere;     // [type]
    double cutoff, smoothing_width, gamma, upsilon, mu;
    bool shift;
};

template <class T>
PairRefusal gay_berne(const PairCall<T>& call, const GayBerneArguments<T>& of, const PairSums<T>& sums) {
    const std::size_t n = call.known_types.size();
    GayBerneParameters<T> parameters{int(n),      T(of.cutoff), T(of.smoothing_width), T(of.gamma),
                                     T(of.upsilon), T(of.mu),     nullptr};
    std::vector<GayBerneOfTypes<T>> of_types;
    std::vector<T> wells(3 * n);  // depth^(-1/mu)
    for (std::size_t k = 0; k < 3 * n; ++k) wells[k] = std::pow(of.well_depths[k], T(-1 / of.mu));
    for (std::size_t k = 0; k < n * n; ++k) {
        const bool spheres = of.is_sphere[k / n] && of.is_sphere[k % n];
        const double sixth = std::pow(of.sigma[k] / of.cutoff, 6);
        const T offset = spheres && of.shift ? T(of.epsilon[k] * 4 * (sixth * sixth - sixth)) : T(0);
        of_types.push_back({of.epsilon[k], of.sigma[k], spheres, offset});
    }
    parameters.of_types = of_types.data();
    const auto fill = [&wells, &of](const T(&R)[9], const T* axes, int type, PairRecord<T>& record) {
        const T a = axes[0], b = axes[1], c = axes[2], squares[3] = {a * a, b * b, c * c};
        if (!(a > 0 && b > 0 && c > 0) || (of.is_sphere[type] && !(a == b && b == c))) return false;
        T sum = 0;  // a matrix of zeros is no rotation
        for (const T number : R) sum += std::abs(number);
        rotate(R, squares, record.shape);
        rotate(R, wells.data() + 3 * type, record.wells);
        record.size = (a * b + c * c) * std::sqrt(a * b);
        return sum > 0;
    };
    return with_pairs(call, fill, [&](const auto& problem, const auto& records) {
        problem.run(kernel_for(chosen->gay_berne, T()), 64, records, &parameters, sums);
    });
}

}  // namespace anisoap
