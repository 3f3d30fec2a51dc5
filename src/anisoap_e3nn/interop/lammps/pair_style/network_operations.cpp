// Schemas are those of anisoap_e3nn/ops/backends/convolution_native.py, perceptron_native.py and sparse_native.py, and
// of interop/lammps/exchange_operation.py.
#include "network_operations.h"

#include <tuple>

#include "kernel_calls.h"
#include "pair_anisoap.h"

namespace anisoap {
namespace {
// Arguments of a convolution, contiguous.
struct Convolution {
  Tensor x, harmonics, weights, edge_index, plan;
  int64_t dim_out;

  Convolution(const Tensor &x, const Tensor &harmonics, const Tensor &weights, const Tensor &edge_index,
              const Tensor &plan, int64_t dim_out)
      : x(x.contiguous()), harmonics(harmonics.contiguous()), weights(weights.contiguous()),
        edge_index(edge_index.contiguous()), plan(plan.contiguous()), dim_out(dim_out) {}

  anisoap_convolutions arguments() const {
    return {is_double(x), at::get_num_threads(), x.size(0), edge_index.size(1), plan.numel(),
            {x.size(1), harmonics.size(1), weights.size(1), dim_out}, indices(edge_index), indices(plan), data(x),
            data(harmonics), data(weights)};
  }
};

Tensor convolution(const Tensor &x, const Tensor &harmonics, const Tensor &weights, const Tensor &edge_index,
                   const Tensor &plan, int64_t dim_out) {
  const Convolution of(x, harmonics, weights, edge_index, plan, dim_out);
  Tensor out = at::empty({x.size(0), dim_out}, x.options());
  const anisoap_convolutions arguments = of.arguments();
  served([&](char *message) { return anisoap_convolution(&arguments, out.data_ptr(), message); });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> convolution_gradient(const Tensor &g, const Tensor &x, const Tensor &harmonics,
                                                        const Tensor &weights, const Tensor &edge_index,
                                                        const Tensor &plan) {
  const Convolution of(x, harmonics, weights, edge_index, plan, g.size(1));
  const Tensor cotangent = g.contiguous();
  Tensor d_x = at::empty(x.sizes(), x.options()), d_harmonics = at::empty(harmonics.sizes(), x.options()),
         d_weights = at::empty(weights.sizes(), x.options());
  const anisoap_convolutions arguments = of.arguments();
  served([&](char *message) {
    return anisoap_convolution_gradient(&arguments, data(cotangent), d_x.data_ptr(), d_harmonics.data_ptr(),
                                        d_weights.data_ptr(), message);
  });
  return {d_x, d_harmonics, d_weights};
}

Tensor product_of_two(const Tensor &first, const Tensor &second, const Tensor &coefficients, const Tensor &program,
                      int64_t target, int64_t n_batch, int64_t size) {
  const Tensor factors[] = {first.contiguous(), second.contiguous()}, values = coefficients.contiguous(),
               numbers = program.contiguous();
  Tensor product = at::empty({size}, first.options());
  anisoap_products arguments{is_double(first), at::get_num_threads(), int(target), n_batch, values.numel(),
                             numbers.numel(), {}, {}, data(values), indices(numbers)};
  for (int operand = 0, k = 0; operand < 3; operand++) {
    const bool is_target = operand == target;
    arguments.sizes[operand] = is_target ? size : factors[k].numel();
    arguments.operands[operand] = is_target ? nullptr : data(factors[k]);
    if (!is_target && k == 0) k++;
  }
  served([&](char *message) { return anisoap_product_of_two(&arguments, product.data_ptr(), message); });
  return product;
}

// Arguments of a perceptron, contiguous.
struct Perceptron {
  Tensor x, weights;
  at::IntArrayRef widths;

  Perceptron(const Tensor &x, const Tensor &weights, at::IntArrayRef widths)
      : x(x.contiguous()), weights(weights.contiguous()), widths(widths) {
    TORCH_CHECK(!widths.empty() && x.size(1) == widths.front(), "x does not have the width of the first layer");
  }

  anisoap_perceptrons arguments() const {
    return {is_double(x), at::get_num_threads(), x.size(0), int64_t(widths.size()), weights.numel(), widths.data(),
            data(x), data(weights)};
  }
};

Tensor perceptron(const Tensor &x, const Tensor &weights, at::IntArrayRef widths) {
  const Perceptron of(x, weights, widths);
  Tensor out = at::empty({x.size(0), widths.back()}, x.options());
  const anisoap_perceptrons arguments = of.arguments();
  served([&](char *message) { return anisoap_perceptron(&arguments, out.data_ptr(), message); });
  return out;
}

std::tuple<Tensor, Tensor> perceptron_backward(const Tensor &g, const Tensor &x, const Tensor &weights,
                                               at::IntArrayRef widths, bool of_weights) {
  const Perceptron of(x, weights, widths);
  const Tensor cotangent = g.contiguous();
  TORCH_CHECK(cotangent.numel() == x.size(0) * widths.back(), "the cotangent does not have the shape of the output");
  Tensor d_x = at::empty(x.sizes(), x.options());
  Tensor d_weights = at::empty({of_weights ? weights.numel() : 0}, x.options());
  const anisoap_perceptrons arguments = of.arguments();
  served([&](char *message) {
    return anisoap_perceptron_backward(&arguments, data(cotangent), d_x.data_ptr(),
                                       of_weights ? d_weights.data_ptr() : nullptr, message);
  });
  return {d_x, d_weights};
}

Tensor exchange_features(const Tensor &features, bool reverse) {
  TORCH_CHECK(LAMMPS_NS::evaluated, "features are exchanged by pair_style anisoap/torch alone, during an evaluation");
  Tensor rows = features.to(at::kDouble, false, true, at::MemoryFormat::Contiguous);
  LAMMPS_NS::evaluated->exchange(rows.mutable_data_ptr<double>(), int(rows.size(1)), reverse);
  return rows.to(features.scalar_type());
}
}  // namespace

void define_network_operations(torch::Library &library) {
  const std::string point = "Tensor x, Tensor harmonics, Tensor weights, Tensor edge_index, Tensor program";
  define(library, "convolution", "(" + point + ", SymInt dim_out) -> Tensor", &convolution);
  define(library, "convolution_gradient", "(Tensor g, " + point + ") -> (Tensor, Tensor, Tensor)",
         &convolution_gradient);
  define(library, "product_of_two",
         "(Tensor first, Tensor second, Tensor coefficients, Tensor program, SymInt target, SymInt n_batch, "
         "SymInt size) -> Tensor",
         &product_of_two);
  const std::string layers = "Tensor x, Tensor weights, SymInt[] widths";
  define(library, "perceptron", "(" + layers + ") -> Tensor", &perceptron);
  define(library, "perceptron_backward", "(Tensor g, " + layers + ", bool of_weights) -> (Tensor, Tensor)",
         &perceptron_backward);
  define(library, "exchange_features", "(Tensor features, bool reverse) -> Tensor", &exchange_features);
}
}  // namespace anisoap
