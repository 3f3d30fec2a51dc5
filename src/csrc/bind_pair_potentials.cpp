// Binds the pair potentials to Python.
#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings.hpp"
#include "pair_basis.hpp"
#include "pair_gay_berne.hpp"
#include "pair_problem.hpp"

namespace anisoap {
namespace {

template <class T>
using Orientations = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
using Mask = Array<const bool, -1>;

PairFunction<double> kernel_for(const PairPotentialKernels& kernels, double) { return kernels.f64; }
PairFunction<float> kernel_for(const PairPotentialKernels& kernels, float) { return kernels.f32; }
PairFunction<double> kernel_for(const GayBerneKernels& kernels, double) { return kernels.f64; }
PairFunction<float> kernel_for(const GayBerneKernels& kernels, float) { return kernels.f32; }

// Particles and edges of a call, and where its results go.
template <class T>
struct PairArrays {
    Indices types, known_types;
    Orientations<T> orientations;
    Array<const T, -1, 3> semiaxes, edge_vectors;
    Array<const std::int64_t, 2, -1> edge_index;
    std::optional<Indices> frames;
    Array<T, -1> energies;
    Array<T, -1, 3> forces, torques;
    Array<T, -1, 3, 3> virial;

    void check() const {
        const std::size_t n = types.shape(0), rank = orientations.ndim();
        require((rank == 2 && orientations.shape(1) == 4) ||
                    (rank == 3 && orientations.shape(1) == 3 && orientations.shape(2) == 3),
                "orientations are quaternions or matrices");
        require(orientations.shape(0) == n && semiaxes.shape(0) == n && energies.shape(0) == n &&
                    forces.shape(0) == n && torques.shape(0) == n && (!frames || frames->shape(0) == n),
                "types, orientations, semiaxes, frames and results need one entry for each particle");
        require(edge_index.shape(1) == edge_vectors.shape(0), "edge_index needs one column for each of the edge_vectors");
        require(virial.shape(0) == 1 || frames, "several frames need the frame of each particle");
        if (frames)
            for (std::size_t j = 0; j < n; ++j)
                require(frames->data()[j] >= 0 && std::size_t(frames->data()[j]) < virial.shape(0), "a frame is out of range");
    }
    PairParticles<T> particles() const {
        return {types.data(), orientations.data(), orientations.ndim() == 2, semiaxes.data(), std::int64_t(types.shape(0))};
    }
    PairEdges<T> edges() const {
        const std::int64_t n = edge_index.shape(1);
        return {edge_vectors.data(), edge_index.data(), edge_index.data() + n, n};
    }
    PairSums<T> sums() const {
        return {energies.data(), forces.data(), torques.data(), virial.data(), std::int64_t(virial.shape(0)),
                frames && virial.shape(0) > 1 ? frames->data() : nullptr};
    }
};

// Fills records and runs a kernel; false if particles or edges are to be refused.
template <class T, class Fill, class Kernels>
bool run(const PairArrays<T>& arrays, const Fill& fill, const Kernels& kernels, std::size_t workspace_bytes,
         const void* potential, int threads) {
    std::vector<int> types;
    const PairParticles<T> particles = arrays.particles();
    const std::vector<std::int64_t> known(arrays.known_types.data(), arrays.known_types.data() + arrays.known_types.size());
    if (!find_types(particles.types, particles.n, known, types)) return false;
    std::vector<PairRecord<T>> records(particles.n);
    for (std::int64_t j = 0; j < particles.n; ++j) {
        T R[9];
        if (!rotation_of(particles, j, R) || !all_finite(R, 9) || !all_finite(particles.semiaxes + 3 * j, 3) ||
            !fill(R, particles.semiaxes + 3 * j, types[j], records[j]))
            return false;
    }
    const PairProblem<T> problem(arrays.edges(), types, int(known.size()), threads);
    if (!problem.is_legal) return false;
    problem.run(kernel_for(kernels, T()), workspace_bytes, records, potential, arrays.sums());
    return true;
}

template <class T>
bool pair_potential(const PairArrays<T>& arrays, double thickness, int n_radial, Indices shorter, Indices factors,
                    Indices exchanged, double cutoff, double decay_length, double switch_width,
                    Array<const T, -1> weights, int threads) {
    arrays.check();
    const std::int64_t n = exchanged.size();
    require(std::int64_t(shorter.size()) == n && std::int64_t(factors.size()) == n && n > 0, "products do not match");
    for (std::int64_t p = 0; p < n; ++p)
        require(shorter.data()[p] >= 0 && shorter.data()[p] < std::max<std::int64_t>(p, 1) && factors.data()[p] >= 0 &&
                    factors.data()[p] < 14 && exchanged.data()[p] >= 0 && exchanged.data()[p] < n,
                "a product is out of range");
    require(n_radial > 0 && threads > 0, "n_radial and threads are too small");
    PairBasisStorage<T> storage(int(arrays.known_types.size()), n_radial, shorter.data(), factors.data(), exchanged.data(), n,
                                cutoff, decay_length, switch_width);
    require(std::int64_t(weights.size()) == storage.n_weights, "weights do not match the basis");
    nb::gil_scoped_release release;
    storage.set_weights(weights.data());
    const T smallest = T(thickness * thickness);
    const auto fill = [smallest](const T(&R)[9], const T* axes, int, PairRecord<T>& record) {
        T squares[3];
        for (int k = 0; k < 3; ++k) {
            if (!(axes[k] >= 0)) return false;
            squares[k] = axes[k] * axes[k];
        }
        rotate(R, squares, record.shape);
        for (const int k : {0, 3, 5}) record.shape[k] += smallest;
        return all_finite(record.shape, 6);
    };
    const auto& kernels = chosen->pair_potential;
    return run(arrays, fill, kernels, storage.basis.workspace_vectors() * kernels.vector_bytes,
               &storage.basis, threads);
}

template <class T>
bool gay_berne(const PairArrays<T>& arrays, Array<const T, -1, -1> epsilon, Array<const T, -1, -1> sigma,
               Array<const T, -1, 3> well_depths, Mask is_sphere, double cutoff, double smoothing_width, double gamma,
               double upsilon, double mu, bool shift, int threads) {
    arrays.check();
    const std::size_t n = arrays.known_types.size();
    require(epsilon.shape(0) == n && epsilon.shape(1) == n && sigma.shape(0) == n && sigma.shape(1) == n &&
                well_depths.shape(0) == n && is_sphere.shape(0) == n,
            "parameters need one entry for each type");
    require(threads > 0, "threads is too small");
    nb::gil_scoped_release release;
    GayBerneParameters<T> parameters{int(n), T(cutoff), T(smoothing_width), T(gamma), T(upsilon), T(mu), nullptr};
    std::vector<GayBerneOfTypes<T>> of_types;
    std::vector<T> wells(3 * n);  // depth^(-1/mu)
    for (std::size_t k = 0; k < 3 * n; ++k) wells[k] = std::pow(well_depths.data()[k], T(-1 / mu));
    for (std::size_t k = 0; k < n * n; ++k) {
        const bool spheres = is_sphere.data()[k / n] && is_sphere.data()[k % n];
        const double sixth = std::pow(sigma.data()[k] / cutoff, 6);
        const T offset = spheres && shift ? T(epsilon.data()[k] * 4 * (sixth * sixth - sixth)) : T(0);
        of_types.push_back({epsilon.data()[k], sigma.data()[k], spheres, offset});
    }
    parameters.of_types = of_types.data();
    const bool* spheres = is_sphere.data();
    const auto fill = [&wells, spheres](const T(&R)[9], const T* axes, int type, PairRecord<T>& record) {
        const T a = axes[0], b = axes[1], c = axes[2], squares[3] = {a * a, b * b, c * c};
        if (!(a > 0 && b > 0 && c > 0) || (spheres[type] && !(a == b && b == c))) return false;
        T sum = 0;  // a matrix of zeros is no rotation
        for (const T number : R) sum += std::abs(number);
        rotate(R, squares, record.shape);
        rotate(R, wells.data() + 3 * type, record.wells);
        record.size = (a * b + c * c) * std::sqrt(a * b);
        return sum > 0;
    };
    return run(arrays, fill, chosen->gay_berne, 64, &parameters, threads);
}

template <class T>
void define_as(nb::module_& m, const char* arrays, const char* pair_potential_name, const char* gay_berne_name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    nb::class_<PairArrays<T>>(m, arrays, "Particles and edges of a pair potential, and where results go.")
        .def(
            "__init__",
            [](PairArrays<T>* self, Indices types, Indices known_types, Orientations<T> orientations,
               Array<const T, -1, 3> semiaxes, Array<const T, -1, 3> edge_vectors,
               Array<const std::int64_t, 2, -1> edge_index, std::optional<Indices> frames, Array<T, -1> energies,
               Array<T, -1, 3> forces, Array<T, -1, 3> torques, Array<T, -1, 3, 3> virial) {
                new (self) PairArrays<T>{types,      known_types, orientations, semiaxes, edge_vectors, edge_index,
                                         frames,     energies,    forces,       torques,  virial};
            },
            array("types"), array("known_types"), array("orientations"), array("semiaxes"), array("edge_vectors"),
            array("edge_index"), array("frames").none(), array("energies"), array("forces"), array("torques"),
            array("virial"));
    m.def(pair_potential_name, &pair_potential<T>, "arrays"_a, "thickness"_a, "n_radial"_a, array("shorter"),
          array("factors"), array("exchanged"), "cutoff"_a, "decay_length"_a, "switch_width"_a, array("weights"),
          "threads"_a, "Writes the results of PairPotential; false if particles or edges are to be refused.");
    m.def(gay_berne_name, &gay_berne<T>, "arrays"_a, array("epsilon"), array("sigma"), array("well_depths"),
          array("is_sphere"), "cutoff"_a, "smoothing_width"_a, "gamma"_a, "upsilon"_a, "mu"_a, "shift"_a, "threads"_a,
          "Writes the results of GayBerne; false if particles or edges are to be refused.");
}

}  // namespace

void define_pair_potentials(nb::module_& m) {
    define_as<double>(m, "PairArrays64", "pair_potential_f64", "gay_berne_f64");
    define_as<float>(m, "PairArrays32", "pair_potential_f32", "gay_berne_f32");
}

}  // namespace anisoap
