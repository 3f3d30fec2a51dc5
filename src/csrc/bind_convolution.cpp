// Binds convolutions to Python.
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>

#include <array>

#include "bindings.hpp"
#include "convolution_problem.hpp"

namespace anisoap {
namespace {

template <class T>
using Matrix = Array<T, -1, -1>;

const ConvolutionFunctions<double>& functions_for(double) { return chosen->convolution.f64; }
const ConvolutionFunctions<float>& functions_for(float) { return chosen->convolution.f32; }

void require_shape(std::size_t rows, std::size_t columns, std::int64_t n, std::int64_t dim) {
    require(std::int64_t(rows) == n && std::int64_t(columns) == dim,
            "a tensor does not have the shape that the plan of the convolution says");
}

// One of the four sweeps: g is None at the centres, and tangents are None without derivatives along them.
template <class T>
void convolution(Array<const std::int64_t, 2, -1> edge_index, Indices numbers,
                 const std::optional<std::array<Matrix<const T>, 3>>& tangents,
                 const std::array<Matrix<const T>, 3>& point, const std::optional<Matrix<const T>>& g,
                 Matrix<T> out, const std::optional<std::array<Matrix<T>, 2>>& of_edges, int threads) {
    const auto bytes = chosen->convolution.vector_bytes;
    const ConvolutionPlan<T> plan(numbers.data(), numbers.size(), bytes);
    const std::int64_t n_particles = point[0].shape(0), n_edges = edge_index.shape(1);
    const auto of_point = [&](const std::array<Matrix<const T>, 3>& tensors) {
        const std::int64_t rows[3] = {n_particles, n_edges, n_edges};
        const std::int64_t dims[3] = {plan.dim_x, plan.dim_harmonics, plan.n_weights};
        for (int k = 0; k < 3; ++k) require_shape(tensors[k].shape(0), tensors[k].shape(1), rows[k], dims[k]);
        return ConvolutionTensors<T>{tensors[0].data(), tensors[1].data(), tensors[2].data()};
    };
    const auto values = of_point(point);
    ConvolutionTensors<T> along{};
    if (tangents) along = of_point(*tangents);
    if (g) require_shape(g->shape(0), g->shape(1), n_particles, plan.dim_out);
    require_shape(out.shape(0), out.shape(1), n_particles, g ? plan.dim_x : plan.dim_out);
    require(g.has_value() == of_edges.has_value(), "sweeps at the neighbours have derivatives of edges");
    if (of_edges) {
        require_shape((*of_edges)[0].shape(0), (*of_edges)[0].shape(1), n_edges, plan.dim_harmonics);
        require_shape((*of_edges)[1].shape(0), (*of_edges)[1].shape(1), n_edges, plan.n_weights);
    }
    require(threads > 0, "threads is too small");
    nb::gil_scoped_release release;
    ConvolutionProblem<T>(plan, functions_for(T()), bytes, n_particles, n_edges, edge_index.data(), threads)
        .run(values, tangents ? &along : nullptr, g ? g->data() : nullptr, out.data(),
             of_edges ? (*of_edges)[0].data() : nullptr, of_edges ? (*of_edges)[1].data() : nullptr);
}

template <class T>
void define_as(nb::module_& m, const char* name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &convolution<T>, array("edge_index"), array("program"), array("tangents").none(), array("point"),
          array("g").none(), array("out"), array("of_edges").none(), "threads"_a,
          "Sums edges at their centres or, with g, at their neighbours; writes out and the derivatives of edges.");
}

}  // namespace

void define_convolution(nb::module_& m) {
    define_as<double>(m, "convolution_f64");
    define_as<float>(m, "convolution_f32");
}

}  // namespace anisoap
