// Binds ellipsoid_coefficients to Python.
#include <nanobind/stl/vector.h>

#include "ellipsoid_densities.hpp"
#include "map_program.hpp"

namespace anisoap {
namespace {

template <class T>
bool ellipsoid_coefficients(Indices types, Indices known_types, Orientations<T> orientations,
                            Array<const T, -1, 3> semiaxes, Array<const T, -1, 3> edge_vectors,
                            Array<const std::int64_t, 2, -1> edge_index, int own, double width, double cutoff,
                            const std::vector<double>& exponents, const std::vector<double>& units, int degree,
                            Indices positions, Array<const T, -1> matrices, Indices program,
                            Array<T, -1, -1> coefficients, int threads) {
    const std::int64_t n = types.shape(0), n_edges = edge_index.shape(1), n_types = known_types.shape(0);
    const bool are_quaternions = orientations.ndim() == 2;
    require(are_quaternions ? orientations.shape(1) == 4
                            : orientations.ndim() == 3 && orientations.shape(1) == 3 && orientations.shape(2) == 3,
            "orientations are quaternions or matrices");
    require(std::int64_t(orientations.shape(0)) == n && std::int64_t(semiaxes.shape(0)) == n &&
                std::int64_t(coefficients.shape(0)) == n,
            "types, orientations, semiaxes and coefficients need one entry for each particle");
    require(std::int64_t(edge_vectors.shape(0)) == n_edges, "edge_index needs one column for each of the edge_vectors");
    require(own >= 0 && own <= 2, "own is 0, 1 or 2");
    require(degree >= 0 && threads > 0, "degree and threads are too small");
    require(std::int64_t(positions.shape(0)) == number_of_moments(degree), "one position for each moment");
    require(exponents.size() == units.size() && !exponents.empty(), "one unit for each exponent");
    const std::int64_t n_densities = n_types + (own == 2);
    const MapProgram<T> map(matrices, program, n_densities * exponents.size() * positions.shape(0),
                            coefficients.shape(1));
    nb::gil_scoped_release release;
    std::vector<int> index;
    const std::vector<std::int64_t> known(known_types.data(), known_types.data() + n_types);
    if (!find_types(types.data(), n, known, index)) return false;
    EllipsoidDensities<T> densities(
        Particles<T>{types.data(), orientations.data(), are_quaternions, semiaxes.data(), n}, index,
        EllipsoidEdges<T>{edge_vectors.data(), edge_index.data(), edge_index.data() + n_edges, n_edges},
        {n_densities, OwnDensity(own), width, cutoff});
    if (!densities.is_legal) return false;
    for (std::size_t k = 0; k < exponents.size(); ++k)
        densities.add_moments(exponents[k], units[k], degree, positions.data(), threads);
    RowMapJob<T> job = map.job;
    job.y = coefficients.data();
    prefer_huge_pages(job.y, coefficients.size() * sizeof(T));
    return densities.map(chosen->gaussian_moments, row_map_kernel(T()), row_map_lanes(T()), job, map.workspace_bytes,
                         degree);
}

// Whether numbers are finite, indices in range, semi-axes not negative and quaternions not zero.
template <class T>
bool legal_inputs(Orientations<T> orientations, Array<const T, -1, 3> semiaxes, Array<const T, -1, 3> edge_vectors,
                  Array<const std::int64_t, 2, -1> edge_index) {
    const std::int64_t n = semiaxes.shape(0), n_edges = edge_vectors.shape(0);
    const bool are_quaternions = orientations.ndim() == 2;
    require(std::int64_t(orientations.size()) == n * (are_quaternions ? 4 : 9), "one orientation for each particle");
    const Particles<T> particles{nullptr, orientations.data(), are_quaternions, semiaxes.data(), n};
    nb::gil_scoped_release release;
    bool legal = all_finite(edge_vectors.data(), 3 * n_edges) && all_finite(semiaxes.data(), 3 * n);
    for (std::int64_t k = 0; k < std::int64_t(edge_index.size()); ++k)
        legal &= std::uint64_t(edge_index.data()[k]) < std::uint64_t(n);
    for (std::int64_t k = 0; k < 3 * n; ++k) legal &= semiaxes.data()[k] >= 0;
    for (std::int64_t j = 0; legal && j < n; ++j) {
        T R[9];
        legal = rotation_of(particles, j, R) && all_finite(R, 9);
    }
    return legal;
}

template <class T>
void define_as(nb::module_& m, const char* name, const char* legal_inputs_name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &ellipsoid_coefficients<T>, array("types"), array("known_types"), array("orientations"), array("semiaxes"),
          array("edge_vectors"), array("edge_index"), "own"_a, "width"_a, "cutoff"_a, "exponents"_a, "units"_a,
          "degree"_a, array("positions"), array("matrices"), array("program"), array("coefficients"), "threads"_a,
          "Writes the coefficients of all densities; false if input or coefficients are to be refused.");
    m.def(legal_inputs_name, &legal_inputs<T>, array("orientations"), array("semiaxes"), array("edge_vectors"),
          array("edge_index"), "Whether the values of the embedding's inputs are legal.");
}

}  // namespace

void define_ellipsoid_densities(nb::module_& m) {
    define_as<double>(m, "ellipsoid_coefficients64", "legal_inputs64");
    define_as<float>(m, "ellipsoid_coefficients32", "legal_inputs32");
}

}  // namespace anisoap
