// The compiled copies of the kernels that this machine can run.
#pragma once

#include <vector>

#include "convolution.hpp"
#include "gaussian_moments.hpp"
#include "pair_coordinates.hpp"
#include "pair_design.hpp"
#include "pair_gay_berne.hpp"
#include "pair_potential.hpp"
#include "perceptron.hpp"
#include "processor.hpp"
#include "row_map.hpp"
#include "sparse_product.hpp"

namespace anisoap {

struct InstructionSet {
    const char* name;
    const GaussianMomentsKernels& gaussian_moments;
    const SparseProductKernels& sparse_product;
    const ConvolutionKernels& convolution;
    const PairPotentialKernels& pair_potential;
    const PairDesignKernels& pair_design;
    const GayBerneKernels& gay_berne;
    const RowMapKernels& row_map;
    const PerceptronKernels& perceptron;
    const PairCoordinatesKernels& pair_coordinates;
};

#define DECLARE(name)                                                                                         \
    extern const GaussianMomentsKernels gaussian_moments_##name;                                              \
    extern const SparseProductKernels sparse_product_##name;                                                  \
    extern const ConvolutionKernels convolution_##name;                                                       \
    extern const PairPotentialKernels pair_potential_##name;                                                  \
    extern const PairDesignKernels pair_design_##name;                                                        \
    extern const GayBerneKernels gay_berne_##name;                                                            \
    extern const RowMapKernels row_map_##name;                                                                \
    extern const PerceptronKernels perceptron_##name;                                                         \
    extern const PairCoordinatesKernels pair_coordinates_##name;                                              \
    inline const InstructionSet instruction_set_##name = {#name, gaussian_moments_##name,                     \
                                                          sparse_product_##name, convolution_##name,          \
                                                          pair_potential_##name, pair_design_##name,          \
                                                          gay_berne_##name,      row_map_##name,             \
                                                          perceptron_##name,     pair_coordinates_##name};

#if defined(__x86_64__)
DECLARE(v2)
DECLARE(v3)
DECLARE(v4)

inline std::vector<const InstructionSet*> runnable_instruction_sets() {
    std::vector<const InstructionSet*> found{&instruction_set_v2};
    const int level = x86_64_level();
    if (level >= 3) found.insert(found.begin(), &instruction_set_v3);
    if (level >= 4) found.insert(found.begin(), &instruction_set_v4);
    return found;  // best first
}
#else
DECLARE(generic)

inline std::vector<const InstructionSet*> runnable_instruction_sets() { return {&instruction_set_generic}; }
#endif

#undef DECLARE

extern const InstructionSet* chosen;

}  // namespace anisoap
