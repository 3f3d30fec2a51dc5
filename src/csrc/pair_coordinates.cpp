// The kernels of pair_coordinates; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "pair_coordinates.hpp"

#include <algorithm>

#include "pair_geometry.hpp"

namespace {

using anisoap::n_coordinates;
using anisoap::PairCoordinatesJob;
using anisoap::PairRows;

static_assert(n_coordinates == 2 + n_invariants);

// Symmetric matrices D, with D + (a b^T + b a^T) / 2.
template <class T, class N>
inline void add_outer(const N (&a)[3], const N (&b)[3], N (&D)[6]) {
    D[0] += a[0] * b[0];
    D[3] += a[1] * b[1];
    D[5] += a[2] * b[2];
    D[1] += (a[0] * b[1] + a[1] * b[0]) * T(0.5);
    D[2] += (a[0] * b[2] + a[2] * b[0]) * T(0.5);
    D[4] += (a[1] * b[2] + a[2] * b[1]) * T(0.5);
}

// D + A B + B A
template <class T, class N>
inline void add_anticommutator(const N (&a)[6], const N (&b)[6], N (&D)[6]) {
    D[0] += (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) * T(2);
    D[3] += (a[1] * b[1] + a[3] * b[3] + a[4] * b[4]) * T(2);
    D[5] += (a[2] * b[2] + a[4] * b[4] + a[5] * b[5]) * T(2);
    D[1] += (a[0] + a[3]) * b[1] + a[1] * (b[0] + b[3]) + a[2] * b[4] + a[4] * b[2];
    D[2] += (a[0] + a[5]) * b[2] + a[2] * (b[0] + b[5]) + a[1] * b[4] + a[4] * b[1];
    D[4] += (a[3] + a[5]) * b[4] + a[4] * (b[3] + b[5]) + a[1] * b[2] + a[2] * b[1];
}

template <class N>
struct PairDerivatives {
    N vector[3], shapes[2][6];
};

// Derivatives of <g, coordinates> for all lanes: those of PairGeometry in geometry/pair_coordinates.py, with the
// shapes in the place of rotations. d_x is the derivative with respect to x.
template <class Numbers>
inline PairDerivatives<typename Numbers::number> pull_back(
    const PairGeometry<Numbers>& pair, const typename Numbers::vector (&of_coordinates)[n_coordinates]) {
    using T = typename Numbers::scalar;
    using N = typename Numbers::number;
    const auto* const g = of_coordinates + 2;
    const N(&n)[3] = pair.direction;
    // of n G^-1 n = 2 / contact^2
    const N d_form = pair.contact * pair.contact * pair.contact * (of_coordinates[1] * T(-0.25));
    PairDerivatives<N> d;
    N d_n[3], through_inverse[6]{};
    for (int k = 0; k < 3; ++k) d_n[k] = pair.normal[k] * d_form * T(2);
    add_outer<T>(pair.normal, pair.normal, through_inverse);
    for (int i = 0; i < 2; ++i) {
        const int j = 1 - i;
        const N(&Q)[6] = pair.Q[i], (&S)[6] = pair.Q[j], (&SS)[6] = pair.QQ[j];
        const N(&Qn)[3] = pair.Qn[i], (&Sn)[3] = pair.Qn[j], (&SSn)[3] = pair.QQn[j], (&SQn)[3] = pair.QSn[j];
        N d_QQn[3], Q_d_QQn[3], d_Qn[3], Q_d_Qn[3], of_SQS[3], d_QQ[6], d_Q[6];
        for (int k = 0; k < 3; ++k) d_QQn[k] = Sn[k] * g[6 + i] + SSn[k] * g[12];
        multiply(Q, d_QQn, Q_d_QQn);
        for (int k = 0; k < 3; ++k)
            d_Qn[k] = n[k] * g[i] + (Qn[k] * g[2 + i] + SQn[k] * g[8 + i]) * T(2) + Sn[k] * g[4] + SSn[k] * g[6 + j] +
                      Q_d_QQn[k];
        multiply(Q, d_Qn, Q_d_Qn);
        for (int k = 0; k < 3; ++k) {
            d_n[k] += Qn[k] * g[i] + Q_d_Qn[k];
            of_SQS[k] = Sn[k] * g[8 + j];
        }
        for (int k = 0; k < 6; ++k) {
            d_QQ[k] = S[k] * g[10 + i] + SS[k] * g[13];
            d_Q[k] = S[k] * g[5] + SS[k] * g[11 - i];
        }
        add_anticommutator<T>(Q, d_QQ, d_Q);
        add_outer<T>(d_QQn, Qn, d_Q);
        add_outer<T>(d_Qn, n, d_Q);
        add_outer<T>(of_SQS, Sn, d_Q);
        // Q = 3 G / tr G - 1
        const N trace = (trace_of_product(d_Q, Q) + d_Q[0] + d_Q[3] + d_Q[5]) * T(1.0 / 3);
        for (const int k : {0, 3, 5}) d_Q[k] = d_Q[k] - trace;
        for (int k = 0; k < 6; ++k) {
            const bool is_diagonal = k == 0 || k == 3 || k == 5;
            d.shapes[i][k] = (d_Q[k] * pair.scale[i] - through_inverse[k] * d_form) * T(is_diagonal ? 1 : 2);
        }
    }
    const N along = dot(n, d_n), inverse = Numbers::inverse(pair.distance);
    for (int k = 0; k < 3; ++k) d.vector[k] = n[k] * of_coordinates[0] + (d_n[k] - n[k] * along) * inverse;
    return d;
}

// The rows of some pairs, one in each lane; lanes beyond the last pair repeat it.
template <class T>
struct Lanes {
    static constexpr int lanes = simd<T>::lanes;
    using V = typename simd<T>::type;
    std::int64_t start, count;

    template <int n>
    void read(const T* rows, V (&out)[n]) const {
        const T* of_lanes[lanes];
        for (int lane = 0; lane < lanes; ++lane)
            of_lanes[lane] = rows + n * (start + std::min<std::int64_t>(lane, count - 1));
        for (int k = 0; k < n; ++k) out[k] = column<T>(of_lanes, k, std::make_index_sequence<lanes>{});
    }

    // One part of each number, as get returns it.
    template <int n, class Number, class Get>
    void write(const Number (&numbers)[n], T* rows, Get get) const {
        T part[n][lanes];
        for (int k = 0; k < n; ++k) {
            const V of_lanes = get(numbers[k]);
            std::memcpy(part[k], &of_lanes, sizeof of_lanes);
        }
        for (std::int64_t lane = 0; lane < count; ++lane)
            for (int k = 0; k < n; ++k) rows[n * (start + lane) + k] = part[k][lane];
    }
};

// What is written of plain numbers, and of dual ones.
template <class V>
inline V whole(const V& x) {
    return x;
}
template <class V>
inline V tangent(const Dual<V>& x) {
    return x.dot;
}

template <class T>
void set_pairs(const PairCoordinatesJob<T>& job, const Lanes<T>& lanes, PairGeometry<plain<T>>& pair) {
    typename simd<T>::type vector[3];
    lanes.read(job.pairs.vectors, vector);
    for (int i = 0; i < 2; ++i) lanes.read(job.pairs.shapes[i], pair.G[i]);
    pair.set(vector);
}

template <class T>
void set_pairs(const PairCoordinatesJob<T>& job, const Lanes<T>& lanes, PairGeometry<dual<T>>& pair) {
    typename simd<T>::type value[2][3], shape[2][6];
    Dual<typename simd<T>::type> vector[3];
    lanes.read(job.pairs.vectors, value[0]);
    lanes.read(job.tangents.vectors, value[1]);
    for (int k = 0; k < 3; ++k) vector[k] = {value[0][k], value[1][k]};
    for (int i = 0; i < 2; ++i) {
        lanes.read(job.pairs.shapes[i], shape[0]);
        lanes.read(job.tangents.shapes[i], shape[1]);
        for (int k = 0; k < 6; ++k) pair.G[i][k] = {shape[0][k], shape[1][k]};
    }
    pair.set(vector);
}

template <class T, class Numbers, class Get>
void write_coordinates(const PairCoordinatesJob<T>& job, const Lanes<T>& lanes, const PairGeometry<Numbers>& pair,
                       Get get) {
    typename Numbers::number invariants[n_invariants][1], coordinates[n_coordinates];
    pair.set_invariants(invariants, 0);
    coordinates[0] = pair.distance;
    coordinates[1] = pair.contact;
    for (int k = 0; k < n_invariants; ++k) coordinates[2 + k] = invariants[k][0];
    lanes.write(coordinates, job.coordinates, get);
}

template <class T, class Numbers, class Get>
void write_derivatives(const PairCoordinatesJob<T>& job, const Lanes<T>& lanes, const PairGeometry<Numbers>& pair,
                       Get get) {
    typename simd<T>::type g[n_coordinates];
    lanes.read(job.g, g);
    const auto d = pull_back(pair, g);
    lanes.write(d.vector, job.derivatives.vectors, get);
    for (int i = 0; i < 2; ++i) lanes.write(d.shapes[i], job.derivatives.shapes[i], get);
}

template <class T>
void sweep(const PairCoordinatesJob<T>& job, std::int64_t first, std::int64_t end) {
    using V = typename simd<T>::type;
    for (; first < end; first += simd<T>::lanes) {
        const Lanes<T> lanes{first, std::min<std::int64_t>(simd<T>::lanes, end - first)};
        if (job.tangents.vectors) {
            PairGeometry<dual<T>> pair;
            set_pairs(job, lanes, pair);
            write_coordinates(job, lanes, pair, tangent<V>);
            write_derivatives(job, lanes, pair, tangent<V>);
            continue;
        }
        PairGeometry<plain<T>> pair;
        set_pairs(job, lanes, pair);
        if (job.g)
            write_derivatives(job, lanes, pair, whole<V>);
        else
            write_coordinates(job, lanes, pair, whole<V>);
    }
}

}  // namespace

namespace anisoap {
extern const PairCoordinatesKernels IN_THIS_SET(pair_coordinates_);
const PairCoordinatesKernels IN_THIS_SET(pair_coordinates_) = {sweep<double>, sweep<float>};
}  // namespace anisoap
