// Builds the parameters of PairPotential from its hyperparameters and weights.
#pragma once

#include <vector>

#include "pair_potential.hpp"

namespace anisoap {

template <class T>
class PairBasisStorage {
  public:
    PairBasis<T> basis;
    std::int64_t n_weights = 0;

    // `exchanged` holds for each product the one that it becomes when the particles are exchanged. The order of
    // the weights is that of pair_weight_index in potentials/pair/weights.py.
    PairBasisStorage(int n_types, int n_radial, const std::int64_t* shorter, const std::int64_t* factors,
                     const std::int64_t* exchanged, std::int64_t n_products, double cutoff, double decay_length,
                     double switch_width, double smallest_gap, double floor_width)
        : columns_(std::size_t(n_types) * n_types),
          offsets_(columns_.size()),
          values_(columns_.size()),
          of_types_(columns_.size()) {
        const int n_blocks = (n_radial + max_radial_block - 1) / max_radial_block;
        basis = {n_types,   n_radial,    (n_radial + n_blocks - 1) / n_blocks, n_blocks, n_products, nullptr,
                 T(cutoff), T(decay_length), T(switch_width), T(smallest_gap), T(floor_width), nullptr};
        for (std::int64_t p = 0; p < n_products; ++p) products_.push_back({shorter[p], factors[p]});
        for (int s = 0; s < n_types; ++s)
            for (int t = s; t < n_types; ++t) {
                auto& columns = columns_[s * n_types + t];
                offsets_[s * n_types + t] = n_weights;
                for (std::int64_t p = 0; p < n_products; ++p) {
                    if (s != t || exchanged[p] == p) columns.push_back({p, n_products});
                    else if (p < exchanged[p]) columns.push_back({p, exchanged[p]});
                }
                n_weights += n_radial * std::int64_t(columns.size());
            }
        for (std::size_t types = 0; types < columns_.size(); ++types)
            of_types_[types] = {std::int64_t(columns_[types].size()), columns_[types].data(), nullptr};
        basis.products = products_.data();
        basis.of_types = of_types_.data();
    }

    PairBasisStorage(const PairBasisStorage&) = delete;
    PairBasisStorage& operator=(const PairBasisStorage&) = delete;

    // Number of the first weight of a pair of types.
    std::int64_t offset(int first_type, int second_type) const {
        return offsets_[first_type * basis.n_types + second_type];
    }

    // Weights [type, type from the first on, radial, column].
    void set_weights(const T* weights) {
        const int size = basis.radial_block;
        for (std::size_t types = 0; types < columns_.size(); ++types) {
            const std::int64_t n = columns_[types].size();
            auto& values = values_[types];
            values.assign(std::size_t(basis.n_blocks) * n * size, T(0));
            const T* given = weights + offsets_[types];
            for (int k = 0; k < basis.n_radial; ++k)
                for (std::int64_t q = 0; q < n; ++q) values[(k / size * n + q) * size + k % size] = *given++;
            of_types_[types].values = values.data();
        }
    }

  private:
    std::vector<InvariantProduct> products_;
    std::vector<std::vector<PairColumn>> columns_;
    std::vector<std::int64_t> offsets_;
    std::vector<std::vector<T>> values_;
    std::vector<PairWeights<T>> of_types_;
};

}  // namespace anisoap
