// The kernel of PairPotential: energies, forces and torques of pairs; compiled once for every instruction set, with
// INSTRUCTION_SET its name.
//
// E = sum_kq w_kq R_k S_q, with R_k = s(r) T_k(2 exp(-(r - sigma) / l) - 1) and S_q the products of invariants that
// share weights, summed. One sweep over the weights yields A_k = sum_q w_kq S_q, from which E and its derivatives
// with respect to r and sigma follow, and dE/dS_q = sum_k w_kq R_k.
#include "pair_potential.hpp"

#include "pair_products.hpp"

namespace {

using anisoap::PairBasis;
using anisoap::PairJob;
using anisoap::PairTask;

// A_k and dE/dS_q of one block of K radial functions.
template <class T, int U, int K>
void contract(const T* weights, std::int64_t n_columns, bool is_first, const PairWorkspace<T, U>& work, int start) {
    using V = typename simd<T>::type;
    for (int u = 0; u < U; ++u) {
        V radial[K], amplitudes[K]{};
        for (int k = 0; k < K; ++k) radial[k] = work.radial[start + k][u];
        for (std::int64_t q = 0; q < n_columns; ++q) {
            const T* w = weights + q * K;
            const V sum = work.sums[q][u];
            V d_sum = is_first ? V{} : work.d_sums[q][u];
            for (int k = 0; k < K; ++k) {
                amplitudes[k] += sum * w[k];
                d_sum += radial[k] * w[k];
            }
            work.d_sums[q][u] = d_sum;
        }
        for (int k = 0; k < K; ++k) work.amplitudes[start + k][u] = amplitudes[k];
    }
}

template <class T, int U>
void contract_all(const PairBasis<T>& basis, const anisoap::PairWeights<T>& weights, const PairWorkspace<T, U>& work) {
    using Contract = void (*)(const T*, std::int64_t, bool, const PairWorkspace<T, U>&, int);
    static constexpr Contract by_size[] = {contract<T, U, 1>, contract<T, U, 2>, contract<T, U, 3>,
                                           contract<T, U, 4>, contract<T, U, 5>, contract<T, U, 6>};
    static_assert(sizeof by_size == anisoap::max_radial_block * sizeof(Contract));
    for (int b = 0; b < basis.n_blocks; ++b)
        by_size[basis.radial_block - 1](weights.values + b * weights.n_columns * basis.radial_block, weights.n_columns,
                                        b == 0, work, b * basis.radial_block);
}

// U vectors of pairs side by side, so that they need not wait for the results of their own chains of products.
template <class T, int U>
void differentiate_block(const PairJob<T>& job, const PairTask& task, std::int64_t start, anisoap::PairTerms<T>* terms,
                         void* memory) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    const PairBasis<T>& basis = *static_cast<const PairBasis<T>*>(job.potential);
    const auto& weights = basis.of_types[task.first_type * basis.n_types + task.second_type];
    const PairWorkspace<T, U> work(memory, basis);
    const int n_radial = basis.n_blocks * basis.radial_block;

    PairGeometry<plain<T>> geometry[U];
    PairRadial<T> radial[U];
    V invariants[n_invariants][U], d_invariants[n_invariants][U];
    for (int u = 0; u < U; ++u) {
        geometry[u].set(PairLanes<T>(job, start + u * lanes, task.end));
        geometry[u].set_invariants(invariants, u);
        radial[u].set(basis, geometry[u], work, u);
    }
    set_products(basis, invariants, work);
    sum_products(weights, work);
    contract_all(basis, weights, work);
    pull_back_products(basis, weights, invariants, work, d_invariants);
    for (int u = 0; u < U; ++u) {
        V sum{}, d_sum{};  // of T_k A_k and dT_k/dt A_k
        for (int k = 0; k < n_radial; ++k) {
            sum += work.polynomials[k][u] * work.amplitudes[k][u];
            d_sum += work.slopes[k][u] * work.amplitudes[k][u];
        }
        CoordinateGradient<V> d;
        d.contact = -d_sum * radial[u].switch_ * radial[u].d_argument;
        d.distance = sum * radial[u].d_switch - d.contact;
        for (int i = 0; i < n_invariants; ++i) d.invariants[i] = d_invariants[i][u];
        PairGradient<V> gradient;
        geometry[u].pull_back(d, gradient);
        const std::int64_t first = start + u * lanes;
        write_terms<T>(terms + (first - task.start), task.end - first, sum * radial[u].switch_, gradient);
    }
}

template <class T>
void differentiate(const PairJob<T>& job, const PairTask& task, anisoap::PairTerms<T>* terms, void* memory) {
    constexpr int lanes = simd<T>::lanes, wide = anisoap::pair_vectors;
    std::int64_t start = task.start;
    for (; task.end - start > lanes; start += wide * lanes)
        differentiate_block<T, wide>(job, task, start, terms, memory);
    if (start < task.end) differentiate_block<T, 1>(job, task, start, terms, memory);
}

}  // namespace

namespace anisoap {
extern const PairPotentialKernels IN_THIS_SET(pair_potential_);
const PairPotentialKernels IN_THIS_SET(pair_potential_) = {vector_bytes, differentiate<double>, differentiate<float>};
}  // namespace anisoap
