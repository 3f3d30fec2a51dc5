// Binds sparse_product to Python.
#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "sparse_problem.hpp"

namespace anisoap {
namespace {

template <class T>
using Operand = std::optional<Array<const T, -1>>;

LanesFunction<double> kernel_for(double) { return chosen->sparse_product.f64; }
LanesFunction<float> kernel_for(float) { return chosen->sparse_product.f32; }

template <class T>
void sparse_product(const Operand<T>& out, const Operand<T>& x1, const Operand<T>& x2,
                    Array<const T, -1> coefficients, Indices numbers, std::int64_t n_batch, Array<T, -1> target,
                    int threads) {
    const ProductProgram program(numbers.data(), numbers.size());
    const Operand<T>* given[3] = {&out, &x1, &x2};
    const T* operands[3];
    int missing = 0;
    for (int k = 0; k < 3; ++k) {
        const auto& operand = *given[k];
        const std::int64_t size = operand ? operand->size() : target.size();
        require(size == n_batch * program.dim(k), "an operand is not of the size that the program says");
        operands[k] = operand ? operand->data() : nullptr;
        missing += !operand;
    }
    require(std::int64_t(coefficients.size()) == program.n_coefficients(), "one coefficient for each entry");
    require(missing == 1 || (missing == 0 && std::int64_t(target.size()) == program.n_coefficients()),
            "one operand is the target, or none and the coefficients are");
    require(threads > 0, "threads is too small");
    nb::gil_scoped_release release;
    SparseProblem<T>(program, operands, coefficients.data(), n_batch, threads)
        .run(kernel_for(T()), chosen->sparse_product.slot_bytes, target.data());
}

template <class T>
void define_as(nb::module_& m, const char* name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &sparse_product<T>, array("out").none(), array("x1").none(), array("x2").none(),
          array("coefficients"), array("program"), "n_batch"_a, array("target"), "threads"_a,
          "Writes the operand that is None, or, if none is, the derivative to the coefficients, to the target.");
}

}  // namespace

void define_sparse_product(nb::module_& m) {
    define_as<double>(m, "sparse_product_f64");
    define_as<float>(m, "sparse_product_f32");
}

}  // namespace anisoap
