// Radial functions and products of invariants of U vectors of pairs side by side.
#pragma once

#include "pair_geometry.hpp"
#include "pair_potential.hpp"

namespace {

// Scratch vectors: for each product or radial function, one for each vector of pairs.
template <class T, int U>
struct PairWorkspace {
    using V = typename simd<T>::type;
    using Row = V[U];
    Row *products, *d_products, *sums, *d_sums, *polynomials, *slopes, *radial, *amplitudes;

    PairWorkspace(void* memory, const anisoap::PairBasis<T>& basis) {
        const std::int64_t n = basis.n_products + 1, m = std::int64_t(basis.n_blocks) * basis.radial_block;
        products = static_cast<Row*>(memory);
        d_products = products + n;
        sums = d_products + n;
        d_sums = sums + n;
        polynomials = d_sums + n;
        slopes = polynomials + m;
        radial = slopes + m;
        amplitudes = radial + m;
        end_ = amplitudes + m;
    }
    void* end() const { return end_; }

  private:
    Row* end_;
};

// The radial functions R_k = s(r) T_k(t), t = 2 exp(-g / l) - 1, with g the gap r - sigma, bounded from below.
template <class T>
struct PairRadial {
    using V = typename simd<T>::type;
    V switch_, d_switch, d_argument;  // s, ds/dr and dt/d(r - sigma)

    template <int U>
    void set(const anisoap::PairBasis<T>& basis, const PairGeometry<plain<T>>& geometry, const PairWorkspace<T, U>& work,
             int u) {
        V d_gap;
        const V gap = floored<T>(geometry.distance - geometry.contact, basis.smallest_gap, basis.floor_width, d_gap);
        const V y = exponential<T>(-gap / basis.decay_length), t = T(2) * y - T(1);
        switch_ = switched<T>(geometry.distance, basis.cutoff, basis.switch_width, d_switch);
        d_argument = y * d_gap * (T(-2) / basis.decay_length);
        V before = t, d_before = V{} + T(1), now = V{} + T(1), d_now{};  // T_-1 = t = T_1
        for (int k = 0; k < basis.n_blocks * basis.radial_block; ++k) {
            // zeros beyond the last function, whose weights are zeros: infinite numbers would become NaN
            work.polynomials[k][u] = k < basis.n_radial ? now : V{};
            work.slopes[k][u] = k < basis.n_radial ? d_now : V{};
            work.radial[k][u] = switch_ * work.polynomials[k][u];
            const V next = T(2) * t * now - before;
            const V d_next = T(2) * (now + t * d_now) - d_before;
            before = now;
            d_before = d_now;
            now = next;
            d_now = d_next;
        }
    }
};

template <class T, int U, class V>
inline void set_products(const anisoap::PairBasis<T>& basis, const V (&invariants)[n_invariants][U],
                         const PairWorkspace<T, U>& work) {
    for (int u = 0; u < U; ++u) {
        work.products[0][u] = V{} + T(1);
        work.products[basis.n_products][u] = V{};
    }
    for (std::int64_t p = 1; p < basis.n_products; ++p) {
        const auto& product = basis.products[p];
        for (int u = 0; u < U; ++u)
            work.products[p][u] = work.products[product.shorter][u] * invariants[product.factor][u];
    }
}

// S_q, the sums of the products that share weights.
template <class T, int U>
inline void sum_products(const anisoap::PairWeights<T>& weights, const PairWorkspace<T, U>& work) {
    for (std::int64_t q = 0; q < weights.n_columns; ++q) {
        const auto& column = weights.columns[q];
        for (int u = 0; u < U; ++u) work.sums[q][u] = work.products[column.first][u] + work.products[column.second][u];
    }
}

// dE/d(invariants) from dE/dS_q.
template <class T, int U, class V>
inline void pull_back_products(const anisoap::PairBasis<T>& basis, const anisoap::PairWeights<T>& weights,
                               const V (&invariants)[n_invariants][U], const PairWorkspace<T, U>& work,
                               V (&d_invariants)[n_invariants][U]) {
    for (std::int64_t q = 0; q < weights.n_columns; ++q) {
        const auto& column = weights.columns[q];
        for (int u = 0; u < U; ++u)
            work.d_products[column.first][u] = work.d_products[column.second][u] = work.d_sums[q][u];
    }
    for (int i = 0; i < n_invariants; ++i)
        for (int u = 0; u < U; ++u) d_invariants[i][u] = V{};
    for (std::int64_t p = basis.n_products - 1; p > 0; --p) {
        const auto& product = basis.products[p];
        for (int u = 0; u < U; ++u) {
            const V d = work.d_products[p][u];
            d_invariants[product.factor][u] += d * work.products[product.shorter][u];
            work.d_products[product.shorter][u] += d * invariants[product.factor][u];
        }
    }
}

}  // namespace
