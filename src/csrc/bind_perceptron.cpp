// Binds perceptrons to Python.
#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "perceptron_problem.hpp"

namespace anisoap {
namespace {

template <class T>
using Rows = Array<T, -1, -1>;

const PerceptronFunctions<double>& functions_for(double) { return chosen->perceptron.f64; }
const PerceptronFunctions<float>& functions_for(float) { return chosen->perceptron.f32; }

// Values if there is no g, else derivatives; see perceptron.hpp.
template <class T>
void perceptron(Rows<const T> x, Array<const T, -1> weights, Indices widths, std::optional<Rows<const T>> tangent,
                std::optional<Rows<const T>> g, std::optional<Rows<T>> out, std::optional<Rows<T>> d_x,
                std::optional<Rows<T>> d_g, std::optional<Array<T, -1>> d_weights, int threads) {
    const std::int64_t n_rows = x.shape(0), n_widths = widths.size();
    const PerceptronProblem<T> problem(functions_for(T()), widths.data(), n_widths, n_rows, threads);
    const auto require_rows = [&](const auto& rows, std::int64_t width) {
        require(std::int64_t(rows.shape(0)) == n_rows && std::int64_t(rows.shape(1)) == width,
                "a tensor does not have the shape that the widths say");
    };
    const std::int64_t n_in = widths(0), n_out = widths(n_widths - 1);
    require_rows(x, n_in);
    require(std::int64_t(weights.size()) == problem.n_weights(), "one weight for each pair of numbers of layers");
    if (tangent) require_rows(*tangent, n_in);
    if (g) require_rows(*g, n_out);
    if (out) require_rows(*out, n_out);
    if (d_x) require_rows(*d_x, n_in);
    if (d_g) require_rows(*d_g, n_out);
    if (d_weights) require(d_weights->size() == weights.size(), "one derivative for each weight");
    require(g ? d_x && !out && bool(tangent) == bool(d_g) : out && !tangent && !d_x && !d_g && !d_weights,
            "results are those of the arguments");
    const auto data = [](const auto& array) { return array ? array->data() : nullptr; };
    nb::gil_scoped_release release;
    problem.run({x.data(), data(tangent), data(g), weights.data(), data(out), data(d_x), data(d_g), data(d_weights)});
}

template <class T>
void define_as(nb::module_& m, const char* name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &perceptron<T>, array("x"), array("weights"), array("widths"), array("tangent").none(),
          array("g").none(), array("out").none(), array("d_x").none(), array("d_g").none(), array("d_weights").none(),
          "threads"_a, "Writes the values of a perceptron or, with g, the derivatives.");
}

}  // namespace

void define_perceptron(nb::module_& m) {
    define_as<double>(m, "perceptron_f64");
    define_as<float>(m, "perceptron_f32");
}

}  // namespace anisoap
