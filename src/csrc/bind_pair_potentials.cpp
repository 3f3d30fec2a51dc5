// Binds the pair potentials to Python.
#include <nanobind/stl/optional.h>

#include <optional>
#include <string>

#include "bindings.hpp"
#include "pair_design_problem.hpp"
#include "pair_gay_berne.hpp"

namespace anisoap {
namespace {

using Mask = Array<const bool, -1>;

PairFunction<double> kernel_for(const PairPotentialKernels& kernels, double) { return kernels.f64; }
PairFunction<float> kernel_for(const PairPotentialKernels& kernels, float) { return kernels.f32; }
PairFunction<double> kernel_for(const GayBerneKernels& kernels, double) { return kernels.f64; }
PairFunction<float> kernel_for(const GayBerneKernels& kernels, float) { return kernels.f32; }
const PairDesignFunctions<double>& functions_for(const PairDesignKernels& kernels, double) { return kernels.f64; }
const PairDesignFunctions<float>& functions_for(const PairDesignKernels& kernels, float) { return kernels.f32; }

// Particles and edges of a call.
template <class T>
struct PairArrays {
    Indices types, known_types;
    Orientations<T> orientations;
    Array<const T, -1, 3> semiaxes, edge_vectors;
    Array<const std::int64_t, 2, -1> edge_index;
    std::optional<Indices> frames;
    std::size_t n_frames;

    void check() const {
        const std::size_t n = types.shape(0), rank = orientations.ndim();
        require((rank == 2 && orientations.shape(1) == 4) ||
                    (rank == 3 && orientations.shape(1) == 3 && orientations.shape(2) == 3),
                "orientations are quaternions or matrices");
        require(orientations.shape(0) == n && semiaxes.shape(0) == n && (!frames || frames->shape(0) == n),
                "types, orientations, semiaxes and frames need one entry for each particle");
        require(edge_index.shape(1) == edge_vectors.shape(0), "one column of edge_index for each of the edge_vectors");
        require(n_frames == 1 || frames, "several frames need the frame of each particle");
        for (std::size_t j = 0; frames && j < n; ++j)
            require(frames->data()[j] >= 0 && std::size_t(frames->data()[j]) < n_frames, "a frame is out of range");
    }
    std::int64_t n_particles() const { return types.shape(0); }
    const std::int64_t* frames_or_null() const { return frames && n_frames > 1 ? frames->data() : nullptr; }
    Particles<T> particles() const {
        return {types.data(), orientations.data(), orientations.ndim() == 2, semiaxes.data(), n_particles()};
    }
    PairEdges<T> edges() const {
        const std::int64_t n = edge_index.shape(1);
        return {edge_vectors.data(), edge_index.data(), edge_index.data() + n, n};
    }
};

// Where results go.
template <class T>
struct PairOutputs {
    Array<T, -1> energies;
    Array<T, -1, 3> forces, torques;
    Array<T, -1, 3, 3> virial;

    PairSums<T> sums(const PairArrays<T>& arrays) const {
        const std::size_t n = arrays.n_particles();
        require(energies.shape(0) == n && forces.shape(0) == n && torques.shape(0) == n &&
                    virial.shape(0) == arrays.n_frames,
                "results need one entry for each particle or frame");
        return {energies.data(), forces.data(), torques.data(), virial.data(), std::int64_t(arrays.n_frames),
                arrays.frames_or_null()};
    }
};

// Builds records and the list of pairs, and runs `work` on them; false if particles or edges are to be refused.
template <class T, class Fill, class Work>
bool with_pairs(const PairArrays<T>& arrays, int threads, const Fill& fill, const Work& work) {
    std::vector<int> types;
    const Particles<T> particles = arrays.particles();
    const std::vector<std::int64_t> known(arrays.known_types.data(),
                                          arrays.known_types.data() + arrays.known_types.size());
    if (!find_types(particles.types, particles.n, known, types)) return false;
    std::vector<PairRecord<T>> records(particles.n);
    for (std::int64_t j = 0; j < particles.n; ++j) {
        T R[9];
        if (!rotation_of(particles, j, R) || !all_finite(R, 9) || !all_finite(particles.semiaxes + 3 * j, 3) ||
            !fill(R, particles.semiaxes + 3 * j, types[j], records[j]))
            return false;
    }
    const PairProblem<T> problem(arrays.edges(), types, int(known.size()), threads);
    if (problem.is_legal) work(problem, records);
    return problem.is_legal;
}

// The hyperparameters of a PairPotential.
template <class T>
struct BoundBasis {
    PairBasisStorage<T> storage;
    T thickness;

    BoundBasis(int n_types, double thickness, int n_radial, Indices shorter, Indices factors, Indices exchanged,
               double cutoff, double decay_length, double switch_width, double smallest_gap, double floor_width)
        : storage(n_types, n_radial, shorter.data(), factors.data(),
                  checked(n_types, n_radial, shorter, factors, exchanged), exchanged.size(), cutoff, decay_length,
                  switch_width, smallest_gap, floor_width),
          thickness(T(thickness)) {}

    static const std::int64_t* checked(int n_types, int n_radial, const Indices& shorter, const Indices& factors,
                                       const Indices& exchanged) {
        const std::int64_t n = exchanged.size();
        require(n_types > 0 && n_radial > 0, "n_types and n_radial are too small");
        require(n > 0 && std::int64_t(shorter.size()) == n && std::int64_t(factors.size()) == n,
                "products do not match");
        for (std::int64_t p = 0; p < n; ++p)
            require(shorter.data()[p] >= 0 && shorter.data()[p] < std::max<std::int64_t>(p, 1) &&
                        factors.data()[p] >= 0 && factors.data()[p] < 14 && exchanged.data()[p] >= 0 &&
                        exchanged.data()[p] < n,
                    "a product is out of range");
        return exchanged.data();
    }

    // Fills the record of a particle; false if it is to be refused.
    bool operator()(const T (&R)[9], const T* axes, int, PairRecord<T>& record) const {
        T squares[3];
        for (int k = 0; k < 3; ++k) {
            if (!(axes[k] >= 0)) return false;
            squares[k] = axes[k] * axes[k];
        }
        rotate(R, squares, record.shape);
        for (const int k : {0, 3, 5}) record.shape[k] += thickness * thickness;
        return all_finite(record.shape, 6);
    }

    bool derivatives(const PairArrays<T>& arrays, const PairOutputs<T>& out, Array<const T, -1> weights, int threads) {
        arrays.check();
        const PairSums<T> sums = out.sums(arrays);
        require(std::int64_t(weights.size()) == storage.n_weights, "weights do not match the basis");
        require(std::int64_t(arrays.known_types.size()) == storage.basis.n_types, "types do not match the basis");
        nb::gil_scoped_release release;
        storage.set_weights(weights.data());
        const auto& kernels = chosen->pair_potential;
        return with_pairs(arrays, threads, *this, [&](const auto& problem, const auto& records) {
            problem.run(kernel_for(kernels, T()), storage.basis.workspace_vectors() * kernels.vector_bytes, records,
                        &storage.basis, sums);
        });
    }

    bool design(const PairArrays<T>& arrays, Array<T, -1, -1> energies, Array<T, -1, 3, -1> forces,
                Array<T, -1, 3, -1> torques, int threads) const {
        arrays.check();
        const std::size_t n = arrays.n_particles(), n_weights = storage.n_weights;
        require(energies.shape(0) == arrays.n_frames && energies.shape(1) == n_weights && forces.shape(0) == n &&
                    forces.shape(2) == n_weights && torques.shape(0) == n && torques.shape(2) == n_weights,
                "results need one entry for each particle or frame, and weight");
        require(std::int64_t(arrays.known_types.size()) == storage.basis.n_types, "types do not match the basis");
        nb::gil_scoped_release release;
        const PairDesign<T> out{energies.data(), forces.data(), torques.data(), arrays.frames_or_null()};
        const auto& kernels = chosen->pair_design;
        return with_pairs(arrays, threads, *this, [&](const auto& problem, const auto& records) {
            add_design(problem, functions_for(kernels, T()), kernels.vector_bytes, storage, records, out);
        });
    }
};

template <class T>
bool gay_berne(const PairArrays<T>& arrays, const PairOutputs<T>& out, Array<const T, -1, -1> epsilon,
               Array<const T, -1, -1> sigma, Array<const T, -1, 3> well_depths, Mask is_sphere, double cutoff,
               double smoothing_width, double gamma, double upsilon, double mu, bool shift, int threads) {
    arrays.check();
    const std::size_t n = arrays.known_types.size();
    require(epsilon.shape(0) == n && epsilon.shape(1) == n && sigma.shape(0) == n && sigma.shape(1) == n &&
                well_depths.shape(0) == n && is_sphere.shape(0) == n,
            "parameters need one entry for each type");
    const PairSums<T> sums = out.sums(arrays);
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
    return with_pairs(arrays, threads, fill, [&](const auto& problem, const auto& records) {
        problem.run(kernel_for(chosen->gay_berne, T()), 64, records, &parameters, sums);
    });
}

template <class T>
void define_as(nb::module_& m, const std::string& bits) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    const auto name = [&bits](const char* of) { return of + bits; };
    nb::class_<PairArrays<T>>(m, name("PairArrays").c_str(), "Particles and edges of a potential of pairs.")
        .def(
            "__init__",
            [](PairArrays<T>* self, Indices types, Indices known_types, Orientations<T> orientations,
               Array<const T, -1, 3> semiaxes, Array<const T, -1, 3> edge_vectors,
               Array<const std::int64_t, 2, -1> edge_index, std::optional<Indices> frames, std::size_t n_frames) {
                new (self) PairArrays<T>{types,        known_types, orientations, semiaxes,
                                         edge_vectors, edge_index,  frames,       n_frames};
            },
            array("types"), array("known_types"), array("orientations"), array("semiaxes"), array("edge_vectors"),
            array("edge_index"), array("frames").none(), "n_frames"_a);
    nb::class_<PairOutputs<T>>(m, name("PairOutputs").c_str(), "Where results of a potential of pairs go.")
        .def(
            "__init__",
            [](PairOutputs<T>* self, Array<T, -1> energies, Array<T, -1, 3> forces, Array<T, -1, 3> torques,
               Array<T, -1, 3, 3> virial) { new (self) PairOutputs<T>{energies, forces, torques, virial}; },
            array("energies"), array("forces"), array("torques"), array("virial"));
    nb::class_<BoundBasis<T>>(m, name("PairBasis").c_str(), "Functions of anisoap_e3nn.potentials.PairPotential.")
        .def(nb::init<int, double, int, Indices, Indices, Indices, double, double, double, double, double>(), "n_types"_a,
             "thickness"_a, "n_radial"_a, array("shorter"), array("factors"), array("exchanged"), "cutoff"_a,
             "decay_length"_a, "switch_width"_a, "smallest_gap"_a, "floor_width"_a)
        .def("derivatives", &BoundBasis<T>::derivatives, "arrays"_a, "out"_a, array("weights"), "threads"_a,
             "Writes energies and their derivatives; false if particles or edges are to be refused.")
        .def("design", &BoundBasis<T>::design, "arrays"_a, array("energies"), array("forces"), array("torques"),
             "threads"_a, "Adds the rows of the design matrix to zeros; false if something is to be refused.");
    m.def(name("gay_berne").c_str(), &gay_berne<T>, "arrays"_a, "out"_a, array("epsilon"), array("sigma"),
          array("well_depths"), array("is_sphere"), "cutoff"_a, "smoothing_width"_a, "gamma"_a, "upsilon"_a, "mu"_a,
          "shift"_a, "threads"_a, "Writes energies of GayBerne and their derivatives; false as for PairBasis.");
}

}  // namespace

void define_pair_potentials(nb::module_& m) {
    define_as<double>(m, "64");
    define_as<float>(m, "32");
}

}  // namespace anisoap
