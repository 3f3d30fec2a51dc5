// Parameters of PairPotential: sums over radial functions k and products p of weights w_kp, as its kernel reads them.
#pragma once

#include "pair_job.hpp"

namespace anisoap {

constexpr int max_radial_block = 6;
constexpr int pair_vectors = 2;  // vectors of pairs side by side

// A product of invariants: a shorter one times one more invariant.
struct InvariantProduct {
    std::int64_t shorter, factor;
};

// Two products that share weights; the second is a product of zero, number `n_products`, if the first has them alone.
struct PairColumn {
    std::int64_t first, second;
};

// Weights of a pair of types: blocks of `radial_block` functions, in them columns, in them the functions of the block.
template <class T>
struct PairWeights {
    std::int64_t n_columns;
    const PairColumn* columns;
    const T* values;  // [block, column, function], zeros beyond the last radial function
};

template <class T>
struct PairBasis {
    int n_types, n_radial, radial_block, n_blocks;
    std::int64_t n_products;
    const InvariantProduct* products;
    T cutoff, decay_length, switch_width;
    T smallest_gap, floor_width;  // gaps below the smallest count as at most half of the width less
    const PairWeights<T>* of_types;  // [first type, second type], empty where the second comes before the first

    // Vectors that the kernel works in.
    std::int64_t workspace_vectors() const {
        return pair_vectors * (4 * (n_products + 1) + 4 * std::int64_t(n_blocks) * radial_block);
    }
    // Those of the design matrix, with nine derivatives of each product.
    std::int64_t design_vectors() const { return workspace_vectors() + 9 * (n_products + 1); }
};

struct PairPotentialKernels {
    std::size_t vector_bytes;
    PairFunction<double> f64;
    PairFunction<float> f32;
};

}  // namespace anisoap
