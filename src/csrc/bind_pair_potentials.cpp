// Binds the pair potentials to Python.
#include <nanobind/stl/optional.h>

#include <optional>
#include <string>

#include "bindings.hpp"
#include "pair_call.hpp"
#include "pair_design_problem.hpp"

namespace anisoap {
namespace {

using Mask = Array<const bool, -1>;

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
    bool once;

    void check() const {
        const std::size_t n = types.shape(0), rank = orientations.ndim();
        require((rank == 2 && orientations.shape(1) == 4) ||
                    (rank == 3 && orientations.shape(1) == 3 && orientations.shape(2) == 3),
                "orientations are quaternions or matrices");
        require(orientations.shape(0) == n && semiaxes.shape(0) == n && (!frames || frames->shape(0) == n),
                "types, orientations, semiaxes and frames need one entry for each particle");
        require(edge_index.shape(1) == edge_vectors.shape(0), "one column of edge_index for each of the edge_vectors");
        require(n_frames < 2 || frames, "several frames need the frame of each particle");
        for (std::size_t j = 0; frames && j < n; ++j)
            require(frames->data()[j] >= 0 && std::size_t(frames->data()[j]) < n_frames, "a frame is out of range");
    }
    std::int64_t n_particles() const { return types.shape(0); }
    const std::int64_t* frames_or_null() const { return frames && n_frames > 1 ? frames->data() : nullptr; }
    PairCall<T> call(int threads) const {
        const std::int64_t n = edge_index.shape(1);
        return {particles(),
                {known_types.data(), known_types.data() + known_types.size()},
                {edge_vectors.data(), nullptr, edge_index.data(), edge_index.data() + n, n, once},
                threads};
    }

  private:
    Particles<T> particles() const {
        return {types.data(), orientations.data(), orientations.ndim() == 2, semiaxes.data(), n_particles()};
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

// The functions of a PairPotential.
template <class T>
struct BoundBasis {
    PairFunctions<T> functions;

    BoundBasis(int n_types, double thickness, int n_radial, Indices shorter, Indices factors, Indices exchanged,
               double cutoff, double decay_length, double switch_width, double smallest_gap, double floor_width)
        : functions({n_types, thickness, n_radial, common_size(shorter, factors, exchanged), shorter.data(),
                     factors.data(), exchanged.data(), cutoff, decay_length, switch_width, smallest_gap,
                     floor_width}) {}

    static std::int64_t common_size(const Indices& shorter, const Indices& factors, const Indices& exchanged) {
        require(shorter.size() == exchanged.size() && factors.size() == exchanged.size(), "products do not match");
        return exchanged.size();
    }

    bool derivatives(const PairArrays<T>& arrays, const PairOutputs<T>& out, Array<const T, -1> weights, int threads) {
        arrays.check();
        functions.check(arrays.known_types.size());
        const PairSums<T> sums = out.sums(arrays);
        require(std::int64_t(weights.size()) == functions.storage.n_weights, "weights do not match the basis");
        nb::gil_scoped_release release;
        return functions.derivatives(arrays.call(threads), weights.data(), sums) == PairRefusal::none;
    }

    bool design(const PairArrays<T>& arrays, Array<T, -1, -1> energies, Array<T, -1, 3, -1> forces,
                Array<T, -1, 3, -1> torques, int threads) const {
        arrays.check();
        functions.check(arrays.known_types.size());
        const auto& storage = functions.storage;
        const std::size_t n = arrays.n_particles(), n_weights = storage.n_weights;
        require(energies.shape(0) == arrays.n_frames && energies.shape(1) == n_weights && forces.shape(0) == n &&
                    forces.shape(2) == n_weights && torques.shape(0) == n && torques.shape(2) == n_weights,
                "results need one entry for each particle or frame, and weight");
        nb::gil_scoped_release release;
        const PairDesign<T> out{energies.data(), forces.data(), torques.data(), arrays.frames_or_null()};
        const auto& kernels = chosen->pair_design;
        const PairRefusal refusal =
            with_pairs(arrays.call(threads), functions, [&](const auto& problem, const auto& records) {
                add_design(problem, functions_for(kernels, T()), kernels.vector_bytes, storage, records, out);
            });
        return refusal == PairRefusal::none;
    }
};

template <class T>
bool bound_gay_berne(const PairArrays<T>& arrays, const PairOutputs<T>& out, Array<const T, -1, -1> epsilon,
                     Array<const T, -1, -1> sigma, Array<const T, -1, 3> well_depths, Mask is_sphere, double cutoff,
                     double smoothing_width, double gamma, double upsilon, double mu, bool shift, int threads) {
    arrays.check();
    const std::size_t n = arrays.known_types.size();
    require(epsilon.shape(0) == n && epsilon.shape(1) == n && sigma.shape(0) == n && sigma.shape(1) == n &&
                well_depths.shape(0) == n && is_sphere.shape(0) == n,
            "parameters need one entry for each type");
    const PairSums<T> sums = out.sums(arrays);
    nb::gil_scoped_release release;
    const GayBerneArguments<T> of{epsilon.data(), sigma.data(), well_depths.data(), is_sphere.data(), cutoff,
                                  smoothing_width, gamma, upsilon, mu, shift};
    return gay_berne(arrays.call(threads), of, sums) == PairRefusal::none;
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
               Array<const std::int64_t, 2, -1> edge_index, std::optional<Indices> frames, std::size_t n_frames,
               bool once) {
                new (self) PairArrays<T>{types,        known_types, orientations, semiaxes,
                                         edge_vectors, edge_index,  frames,       n_frames, once};
            },
            array("types"), array("known_types"), array("orientations"), array("semiaxes"), array("edge_vectors"),
            array("edge_index"), array("frames").none(), "n_frames"_a, "once"_a);
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
    m.def(name("gay_berne").c_str(), &bound_gay_berne<T>, "arrays"_a, "out"_a, array("epsilon"), array("sigma"),
          array("well_depths"), array("is_sphere"), "cutoff"_a, "smoothing_width"_a, "gamma"_a, "upsilon"_a, "mu"_a,
          "shift"_a, "threads"_a, "Writes energies of GayBerne and their derivatives; false as for PairBasis.");
}

}  // namespace

void define_pair_potentials(nb::module_& m) {
    define_as<double>(m, "64");
    define_as<float>(m, "32");
}

}  // namespace anisoap
