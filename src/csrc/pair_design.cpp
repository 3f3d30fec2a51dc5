// Rows of the design matrix of PairPotential: all its functions R_k S_q and their derivatives; compiled once for every
// instruction set, with INSTRUCTION_SET its name. Derivatives number 1 to 9 are those with respect to the vector and to
// rotations of the first and of the second particle; number 0 is the value.
#include "pair_design.hpp"

#include "pair_products.hpp"

namespace {

using anisoap::PairBasis;
using anisoap::PairJob;
using anisoap::PairTask;

constexpr int n_derivatives = 9;

// Derivatives of distance, contact distance and invariants.
template <class T>
struct Jacobian {
    using V = typename simd<T>::type;
    V rows[2 + n_invariants][n_derivatives];

    explicit Jacobian(const PairGeometry<plain<T>>& geometry) {
        for (int i = 0; i < 2 + n_invariants; ++i) {
            CoordinateGradient<V> unit{};
            (i == 0 ? unit.distance : i == 1 ? unit.contact : unit.invariants[i - 2]) += T(1);
            PairGradient<V> gradient;
            geometry.pull_back(unit, gradient);
            for (int k = 0; k < 3; ++k) {
                rows[i][k] = gradient.vector[k];
                rows[i][3 + k] = gradient.rotations[0][k];
                rows[i][6 + k] = gradient.rotations[1][k];
            }
        }
    }
};

// Writes one number of each pair, `stride` apart.
template <class T>
inline void spread(const typename simd<T>::type& values, T* out, std::int64_t stride, std::int64_t count) {
    T numbers[simd<T>::lanes];
    std::memcpy(numbers, &values, sizeof numbers);
    for (std::int64_t lane = 0; lane < simd<T>::lanes && lane < count; ++lane) out[lane * stride] = numbers[lane];
}

// For each pair of the task S_q and its derivatives [10, column], then R_k and its derivatives [10, function].
template <class T>
void differentiate(const PairJob<T>& job, const PairTask& task, T* out, void* memory) {
    using V = typename simd<T>::type;
    const PairBasis<T>& basis = *static_cast<const PairBasis<T>*>(job.potential);
    const auto& weights = basis.of_types[task.first_type * basis.n_types + task.second_type];
    const PairWorkspace<T, 1> work(memory, basis);
    V(*changes)[n_derivatives] = reinterpret_cast<V(*)[n_derivatives]>(work.end());
    const std::int64_t n = weights.n_columns, stride = (1 + n_derivatives) * (n + basis.n_radial);
    for (std::int64_t start = task.start; start < task.end; start += simd<T>::lanes, out += simd<T>::lanes * stride) {
        const std::int64_t count = task.end - start;
        PairGeometry<plain<T>> geometry;
        PairRadial<T> radial;
        V invariants[n_invariants][1];
        geometry.set(PairLanes<T>(job, start, task.end));
        geometry.set_invariants(invariants, 0);
        radial.set(basis, geometry, work, 0);
        set_products(basis, invariants, work);
        sum_products(weights, work);
        const Jacobian<T> jacobian(geometry);
        for (int c = 0; c < n_derivatives; ++c) changes[0][c] = changes[basis.n_products][c] = V{};
        for (std::int64_t p = 1; p < basis.n_products; ++p) {
            const auto& product = basis.products[p];
            for (int c = 0; c < n_derivatives; ++c)
                changes[p][c] = work.products[product.shorter][0] * jacobian.rows[2 + product.factor][c] +
                                changes[product.shorter][c] * invariants[product.factor][0];
        }
        for (std::int64_t q = 0; q < n; ++q) {
            const auto& column = weights.columns[q];
            spread<T>(work.sums[q][0], out + q, stride, count);
            for (int c = 0; c < n_derivatives; ++c)
                spread<T>(changes[column.first][c] + changes[column.second][c], out + (1 + c) * n + q, stride, count);
        }
        T* of_radial = out + (1 + n_derivatives) * n;
        for (int k = 0; k < basis.n_radial; ++k) {
            const V d_gap = radial.switch_ * radial.d_argument * work.slopes[k][0];
            const V d_distance = d_gap + radial.d_switch * work.polynomials[k][0];
            spread<T>(work.radial[k][0], of_radial + k, stride, count);
            for (int c = 0; c < n_derivatives; ++c)
                spread<T>(d_distance * jacobian.rows[0][c] - d_gap * jacobian.rows[1][c],
                          of_radial + (1 + c) * basis.n_radial + k, stride, count);
        }
    }
}

// out += factor times derivative number c of all functions of a pair.
template <class T>
void add_row(const T* pair, std::int64_t n_columns, int n_radial, int c, T factor, T* out) {
    const T *sums = pair, *d_sums = pair + c * n_columns;
    const T *radial = pair + (1 + n_derivatives) * n_columns, *d_radial = radial + c * n_radial;
    for (int k = 0; k < n_radial; ++k, out += n_columns) {
        const T value = factor * radial[k], slope = c == 0 ? T(0) : factor * d_radial[k];
        for (std::int64_t q = 0; q < n_columns; ++q) out[q] += slope * sums[q] + value * d_sums[q];
    }
}

}  // namespace

namespace anisoap {
extern const PairDesignKernels IN_THIS_SET(pair_design_);
const PairDesignKernels IN_THIS_SET(pair_design_) = {
    vector_bytes, {differentiate<double>, add_row<double>}, {differentiate<float>, add_row<float>}};
}  // namespace anisoap
