// The kernel of PairPotential: energies, forces and torques of pairs; compiled once for every instruction set, with
// INSTRUCTION_SET its name.
//
// E = sum_kq w_kq R_k S_q, with R_k = s(r) T_k(2 exp(-(r - sigma) / l) - 1) and S_q the products of invariants that
// share weights, summed. One sweep over the weights yields A_k = sum_q w_kq S_q, from which E and its derivatives
// with respect to r and sigma follow, and dE/dS_q = sum_k w_kq R_k.
#include "pair_potential.hpp"

#include "pair_geometry.hpp"

namespace {

using anisoap::PairBasis;
using anisoap::PairJob;
using anisoap::PairTask;

// Scratch vectors of one vector of pairs.
template <class T>
struct PairWorkspace {
    using V = typename simd<T>::type;
    V *products, *d_products, *sums, *d_sums, *polynomials, *slopes, *radial, *amplitudes;

    PairWorkspace(void* memory, const PairBasis<T>& basis) {
        const std::int64_t n = basis.n_products + 1, m = std::int64_t(basis.n_blocks) * basis.radial_block;
        products = static_cast<V*>(memory);
        d_products = products + n;
        sums = d_products + n;
        d_sums = sums + n;
        polynomials = d_sums + n;
        slopes = polynomials + m;
        radial = slopes + m;
        amplitudes = radial + m;
    }
};

// A_k and dE/dS_q of one block of K radial functions.
template <class T, int K>
void contract(const T* weights, std::int64_t n_columns, bool is_first, const PairWorkspace<T>& work, int start) {
    using V = typename simd<T>::type;
    V radial[K], amplitudes[K]{};
    for (int k = 0; k < K; ++k) radial[k] = work.radial[start + k];
    for (std::int64_t q = 0; q < n_columns; ++q, weights += K) {
        const V sum = work.sums[q];
        V d_sum = is_first ? V{} : work.d_sums[q];
        for (int k = 0; k < K; ++k) {
            amplitudes[k] += sum * weights[k];
            d_sum += radial[k] * weights[k];
        }
        work.d_sums[q] = d_sum;
    }
    for (int k = 0; k < K; ++k) work.amplitudes[start + k] = amplitudes[k];
}

template <class T>
void contract_all(const PairBasis<T>& basis, const typename PairBasis<T>::OfTypes& of_types,
                  const PairWorkspace<T>& work) {
    using Contract = void (*)(const T*, std::int64_t, bool, const PairWorkspace<T>&, int);
    static constexpr Contract by_size[] = {contract<T, 1>, contract<T, 2>, contract<T, 3>,
                                           contract<T, 4>, contract<T, 5>, contract<T, 6>};
    static_assert(sizeof by_size == anisoap::max_radial_block * sizeof(Contract));
    const std::int64_t n = of_types.columns.size();
    for (int b = 0; b < basis.n_blocks; ++b)
        by_size[basis.radial_block - 1](of_types.weights.data() + b * n * basis.radial_block, n, b == 0, work,
                                        b * basis.radial_block);
}

// T_k and dT_k/dt.
template <class T>
void set_polynomials(const PairBasis<T>& basis, const typename simd<T>::type& t, const PairWorkspace<T>& work) {
    using V = typename simd<T>::type;
    const int n = basis.n_blocks * basis.radial_block;
    V before = t, d_before = V{} + T(1), now = V{} + T(1), d_now{};  // T_-1 = t = T_1
    for (int k = 0; k < n; ++k) {
        // zeros beyond the last function, whose weights are zeros: infinite numbers would become NaN
        work.polynomials[k] = k < basis.n_radial ? now : V{};
        work.slopes[k] = k < basis.n_radial ? d_now : V{};
        const V next = T(2) * t * now - before;
        const V d_next = T(2) * (now + t * d_now) - d_before;
        before = now;
        d_before = d_now;
        now = next;
        d_now = d_next;
    }
}

template <class T>
void set_products(const PairBasis<T>& basis, const typename PairBasis<T>::OfTypes& of_types,
                  const typename simd<T>::type* invariants, const PairWorkspace<T>& work) {
    using V = typename simd<T>::type;
    work.products[0] = V{} + T(1);
    for (std::int64_t p = 1; p < basis.n_products; ++p)
        work.products[p] = work.products[basis.shorter[p]] * invariants[basis.factors[p]];
    work.products[basis.n_products] = V{};
    std::int64_t q = 0;
    for (const auto& column : of_types.columns) work.sums[q++] = work.products[column.first] + work.products[column.second];
}

// dE/d(invariants) from dE/dS_q.
template <class T>
void pull_back_products(const PairBasis<T>& basis, const typename PairBasis<T>::OfTypes& of_types,
                        const typename simd<T>::type* invariants, const PairWorkspace<T>& work,
                        typename simd<T>::type* d_invariants) {
    using V = typename simd<T>::type;
    std::int64_t q = 0;
    for (const auto& column : of_types.columns) {
        work.d_products[column.first] = work.d_products[column.second] = work.d_sums[q++];
    }
    for (int i = 0; i < n_invariants; ++i) d_invariants[i] = V{};
    for (std::int64_t p = basis.n_products - 1; p > 0; --p) {
        const std::int64_t shorter = basis.shorter[p], factor = basis.factors[p];
        d_invariants[factor] += work.d_products[p] * work.products[shorter];
        work.d_products[shorter] += work.d_products[p] * invariants[factor];
    }
}

template <class T>
void differentiate(const PairJob<T>& job, const PairTask& task, anisoap::PairTerms<T>* terms, void* memory) {
    using V = typename simd<T>::type;
    const PairBasis<T>& basis = *static_cast<const PairBasis<T>*>(job.potential);
    const auto& of_types = basis.of_types[task.first_type * basis.n_types + task.second_type];
    const PairWorkspace<T> work(memory, basis);
    for (std::int64_t start = task.start; start < task.end; start += simd<T>::lanes) {
        const PairGeometry<T> geometry(PairLanes<T>(job, start, task.end));
        const V y = exponential<T>((geometry.contact - geometry.distance) / basis.decay_length);
        V d_switch, invariants[n_invariants];
        const V switch_ = switched<T>(geometry.distance, basis.cutoff, basis.switch_width, d_switch);
        set_polynomials(basis, T(2) * y - T(1), work);
        for (int k = 0; k < basis.n_blocks * basis.radial_block; ++k) work.radial[k] = switch_ * work.polynomials[k];
        geometry.invariants(invariants);
        set_products(basis, of_types, invariants, work);
        contract_all(basis, of_types, work);

        V sum{}, d_sum{};  // of T_k A_k and dT_k/dt A_k
        for (int k = 0; k < basis.n_blocks * basis.radial_block; ++k) {
            sum += work.polynomials[k] * work.amplitudes[k];
            d_sum += work.slopes[k] * work.amplitudes[k];
        }
        const V d_gap = d_sum * switch_ * y * (T(-2) / basis.decay_length);
        CoordinateGradient<V> d;
        d.distance = d_gap + sum * d_switch;
        d.contact = -d_gap;
        pull_back_products(basis, of_types, invariants, work, d.invariants);
        PairGradient<V> gradient;
        geometry.pull_back(d, gradient);
        write_terms<T>(terms + (start - task.start), task.end - start, sum * switch_, gradient);
    }
}

}  // namespace

#define JOIN(a, b) a##b
#define NAMED(name) JOIN(pair_potential_, name)

namespace anisoap {
extern const PairPotentialKernels NAMED(INSTRUCTION_SET);
const PairPotentialKernels NAMED(INSTRUCTION_SET) = {vector_bytes, differentiate<double>, differentiate<float>};
}  // namespace anisoap
