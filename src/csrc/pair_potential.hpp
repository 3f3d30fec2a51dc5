// Parameters of PairPotential: sums over radial functions k and products p of weights w_kp, as its kernel reads them.
#pragma once

#include <vector>

#include "pair_job.hpp"

namespace anisoap {

// Two products that share the weights of a pair of types; the second is `n_products`, a product of zero, if it
// has them alone.
struct PairColumn {
    std::int64_t first, second;
};

constexpr int max_radial_block = 6;

template <class T>
struct PairBasis {
    // All weights: blocks of `radial_block` functions, in them columns, in them the functions of the block.
    struct OfTypes {
        std::int64_t offset;  // of its weights among those of the potential, [radial, column]
        std::vector<PairColumn> columns;
        std::vector<T> weights;  // [block, column, function]
    };
    int n_types, n_radial, radial_block, n_blocks;
    std::int64_t n_products, n_weights;
    std::vector<std::int64_t> shorter, factors;  // [product]: it is products[shorter] invariants[factor]
    T cutoff, decay_length, switch_width;
    std::vector<OfTypes> of_types;  // [first type, second type], empty where the second comes before the first

    // `exchanged` holds for each product the one that it becomes when the particles are exchanged. The order of
    // the weights is that of pair_weight_index in potentials/pair/weights.py.
    PairBasis(int n_types, int n_radial, const std::int64_t* shorter, const std::int64_t* factors,
              const std::int64_t* exchanged, std::int64_t n_products, double cutoff, double decay_length,
              double switch_width)
        : n_types(n_types),
          n_radial(n_radial),
          n_blocks((n_radial + max_radial_block - 1) / max_radial_block),
          n_products(n_products),
          n_weights(0),
          shorter(shorter, shorter + n_products),
          factors(factors, factors + n_products),
          cutoff(T(cutoff)),
          decay_length(T(decay_length)),
          switch_width(T(switch_width)),
          of_types(std::size_t(n_types) * n_types) {
        radial_block = (n_radial + n_blocks - 1) / n_blocks;
        for (int s = 0; s < n_types; ++s)
            for (int t = s; t < n_types; ++t) {
                OfTypes& block = of_types[s * n_types + t];
                block.offset = n_weights;
                for (std::int64_t p = 0; p < n_products; ++p) {
                    if (s != t || exchanged[p] == p) block.columns.push_back({p, n_products});
                    else if (p < exchanged[p]) block.columns.push_back({p, exchanged[p]});
                }
                n_weights += n_radial * std::int64_t(block.columns.size());
            }
    }

    void set_weights(const T* weights) {
        for (OfTypes& block : of_types) {
            const std::int64_t n = block.columns.size();
            block.weights.assign(std::size_t(n_blocks) * n * radial_block, T(0));
            for (int k = 0; k < n_radial; ++k)
                for (std::int64_t q = 0; q < n; ++q)
                    block.weights[(k / radial_block * n + q) * radial_block + k % radial_block] =
                        weights[block.offset + k * n + q];
        }
    }

    // Vectors that the kernel works in.
    std::int64_t workspace_vectors() const { return 4 * (n_products + 1) + 4 * n_blocks * radial_block; }
};

struct PairPotentialKernels {
    std::size_t vector_bytes;
    PairFunction<double> f64;
    PairFunction<float> f32;
};

}  // namespace anisoap
