// Binds pair_coordinates to Python.
#include <algorithm>

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "workspace.hpp"

namespace anisoap {
namespace {

template <class T>
using Rows = std::optional<Array<T, -1, -1>>;

PairCoordinatesFunction<double> kernel_for(double) { return chosen->pair_coordinates.f64; }
PairCoordinatesFunction<float> kernel_for(float) { return chosen->pair_coordinates.f32; }

template <class T>
void pair_coordinates(Array<const T, -1, 3> vectors, Array<const T, -1, 6> first, Array<const T, -1, 6> second,
                      Rows<const T> t_vectors, Rows<const T> t_first, Rows<const T> t_second, Rows<const T> g,
                      Rows<T> coordinates, Rows<T> d_vectors, Rows<T> d_first, Rows<T> d_second, int threads) {
    constexpr std::int64_t chunk = 256;
    const std::int64_t n = vectors.shape(0), n_chunks = (n + chunk - 1) / chunk;
    const auto rows = [n](const auto& array, std::int64_t width) {
        if (!array) return decltype(array->data())(nullptr);
        require(std::int64_t(array->shape(0)) == n && std::int64_t(array->shape(1)) == width,
                "a tensor does not have one row of the right length for each pair");
        return array->data();
    };
    require(std::int64_t(first.shape(0)) == n && std::int64_t(second.shape(0)) == n, "two shapes for each pair");
    require(threads > 0, "threads is too small");
    const PairCoordinatesJob<T> job{{vectors.data(), {first.data(), second.data()}},
                                    {rows(t_vectors, 3), {rows(t_first, 6), rows(t_second, 6)}},
                                    rows(g, n_coordinates),
                                    rows(coordinates, n_coordinates),
                                    {rows(d_vectors, 3), {rows(d_first, 6), rows(d_second, 6)}}};
    const bool has_tangents = t_vectors.has_value(), has_derivatives = g.has_value();
    require(t_first.has_value() == has_tangents && t_second.has_value() == has_tangents &&
                d_vectors.has_value() == has_derivatives && d_first.has_value() == has_derivatives &&
                d_second.has_value() == has_derivatives && (has_derivatives || !has_tangents) &&
                coordinates.has_value() == (has_tangents || !has_derivatives),
            "results are those of the arguments");
    const auto kernel = kernel_for(T());
    nb::gil_scoped_release release;
#pragma omp parallel for schedule(static) num_threads(n_chunks > 1 ? threads : 1)
    for (std::int64_t k = 0; k < n_chunks; ++k) kernel(job, k * chunk, std::min((k + 1) * chunk, n));
}

template <class T>
void define_as(nb::module_& m, const char* name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &pair_coordinates<T>, array("vectors"), array("first"), array("second"), array("t_vectors").none(),
          array("t_first").none(), array("t_second").none(), array("g").none(), array("coordinates").none(),
          array("d_vectors").none(), array("d_first").none(), array("d_second").none(), "threads"_a,
          "Writes the coordinates of pairs of ellipsoids or, with g, derivatives.");
}

}  // namespace

void define_pair_coordinates(nb::module_& m) {
    define_as<double>(m, "pair_coordinates_f64");
    define_as<float>(m, "pair_coordinates_f32");
}

}  // namespace anisoap
