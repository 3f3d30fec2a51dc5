// The extension module.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "bindings.hpp"

namespace anisoap {
namespace {

const std::vector<const InstructionSet*> runnable = runnable_instruction_sets();

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const auto* set : runnable) names.emplace_back(set->name);
    return names;
}

void use_instruction_set(const std::string& name) {
    for (const auto* set : runnable)
        if (name == set->name) {
            chosen = set;
            return;
        }
    throw std::invalid_argument("this machine cannot run the instruction set " + name);
}

}  // namespace
}  // namespace anisoap

NB_MODULE(_native, m) {
    using namespace anisoap;
    m.doc() = "Compiled kernels of anisoap_e3nn.";
    define_gaussian_moments(m);
    define_sparse_product(m);
    define_pair_potentials(m);
    define_ellipsoid_densities(m);
    define_image_search(m);
    define_convolution(m);
    define_row_map(m);
    define_perceptron(m);
    define_pair_coordinates(m);
    m.def("instruction_sets", &instruction_sets, "Names of the compiled copies this machine can run, best first.");
    m.def("use_instruction_set", &use_instruction_set, "name"_a,
          "Runs that copy from now on (for tests and benchmarks; the best one is the default).");
}
