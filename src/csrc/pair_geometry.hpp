// Invariant coordinates of pairs of ellipsoids in SIMD lanes, and their derivatives; geometry/pair_coordinates.py
// has the definition. Of a pair, Q is the anisotropy of one particle and S that of its partner.
#pragma once

#include "dual.hpp"
#include "pair_job.hpp"
#include "symmetric.hpp"

namespace {

constexpr int n_invariants = 14;

// Derivatives of energies with respect to the vector, and to rotations of both particles.
template <class V>
struct PairGradient {
    V vector[3], rotations[2][3];
};

// Derivatives of energies with respect to the coordinates.
template <class V>
struct CoordinateGradient {
    V distance, contact, invariants[n_invariants];
};

// Pairs from `start` on, one a lane; lanes beyond `end` repeat the last pair.
template <class T>
struct PairLanes {
    static constexpr int lanes = simd<T>::lanes;
    const T *vectors[lanes], *positions[2][lanes];
    bool has_vectors;
    const anisoap::PairRecord<T>* particles[2][lanes];

    PairLanes(const anisoap::PairJob<T>& job, std::int64_t start, std::int64_t end) : has_vectors(job.edge_vectors) {
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t edge = job.edges[start + lane < end ? start + lane : end - 1];
            if (has_vectors) {
                vectors[lane] = job.edge_vectors + 3 * edge;
            } else {
                positions[0][lane] = job.positions + 3 * job.centers[edge];
                positions[1][lane] = job.positions + 3 * job.neighbors[edge];
            }
            particles[0][lane] = job.records + job.centers[edge];
            particles[1][lane] = job.records + job.neighbors[edge];
        }
    }

    void vector(typename simd<T>::type (&out)[3]) const {
        if (has_vectors) return gather(vectors, out);
        typename simd<T>::type centers[3];
        gather(positions[0], centers);
        gather(positions[1], out);
        for (int k = 0; k < 3; ++k) out[k] -= centers[k];
    }
    void shape(int i, typename simd<T>::type (&out)[6]) const {
        gather_of(i, [](const auto& record) { return record.shape; }, out);
    }
    void wells(int i, typename simd<T>::type (&out)[6]) const {
        gather_of(i, [](const auto& record) { return record.wells; }, out);
    }
    typename simd<T>::type size(int i) const {
        typename simd<T>::type out[1];
        gather_of(i, [](const auto& record) { return &record.size; }, out);
        return out[0];
    }

  private:
    template <int n>
    static void gather(const T* const* rows, typename simd<T>::type (&out)[n]) {
        for (int k = 0; k < n; ++k) out[k] = column<T>(rows, k, std::make_index_sequence<lanes>{});
    }
    template <int n, class Member>
    void gather_of(int i, Member member, typename simd<T>::type (&out)[n]) const {
        const T* rows[lanes];
        for (int lane = 0; lane < lanes; ++lane) rows[lane] = member(*particles[i][lane]);
        gather(rows, out);
    }
};

// Writes half of the energies, forces and torques of a vector of pairs.
template <class T>
inline void write_terms(anisoap::PairTerms<T>* terms, std::int64_t count, const typename simd<T>::type& energy,
                        const PairGradient<typename simd<T>::type>& gradient) {
    constexpr int lanes = simd<T>::lanes;
    T numbers[10][lanes];
    const auto half = energy * T(0.5);
    std::memcpy(numbers[0], &half, sizeof half);
    for (int k = 0; k < 3; ++k) std::memcpy(numbers[1 + k], &gradient.vector[k], sizeof half);
    for (int i = 0; i < 2; ++i)
        for (int k = 0; k < 3; ++k) std::memcpy(numbers[4 + 3 * i + k], &gradient.rotations[i][k], sizeof half);
    for (int lane = 0; lane < lanes && lane < count; ++lane) {
        T(&first)[8] = terms[lane].of[0];
        T(&second)[8] = terms[lane].of[1];
        first[0] = second[0] = numbers[0][lane];
        for (int k = 0; k < 3; ++k) {
            first[1 + k] = numbers[1 + k][lane];
            second[1 + k] = -numbers[1 + k][lane];
            first[4 + k] = -numbers[4 + k][lane];
            second[4 + k] = -numbers[7 + k][lane];
        }
        first[7] = second[7] = 0;
    }
}

template <class Numbers>
struct PairGeometry {
    using T = typename Numbers::scalar;
    using N = typename Numbers::number;
    using V = N;
    N distance, direction[3], contact, normal[3];
    N G[2][6], scale[2], Q[2][6], QQ[2][6];  // Q = scale G - 1
    N Qn[2][3], QQn[2][3], QSn[2][3];

    // From the vector of each pair, once G has the shapes.
    void set(const N (&vector)[3]) {
        N sum[6], adjugate[6];
        distance = Numbers::square_root(dot(vector, vector));
        const N inverse = Numbers::inverse(distance);
        for (int k = 0; k < 3; ++k) direction[k] = vector[k] * inverse;
        for (int i = 0; i < 2; ++i) {
            scale[i] = Numbers::inverse(G[i][0] + G[i][3] + G[i][5]) * T(3);
            for (int k = 0; k < 6; ++k) Q[i][k] = G[i][k] * scale[i];
            for (const int k : {0, 3, 5}) Q[i][k] = Q[i][k] - Numbers::one();
            square(Q[i], QQ[i]);
            multiply(Q[i], direction, Qn[i]);
            multiply(Q[i], Qn[i], QQn[i]);
        }
        for (int i = 0; i < 2; ++i) multiply(Q[i], Qn[1 - i], QSn[i]);
        for (int k = 0; k < 6; ++k) sum[k] = G[0][k] + G[1][k];
        const N determinant = cofactors(sum, adjugate);
        multiply(adjugate, direction, normal);
        const N inverse_determinant = Numbers::inverse(determinant);
        for (int k = 0; k < 3; ++k) normal[k] = normal[k] * inverse_determinant;
        contact = Numbers::inverse(Numbers::square_root(dot(direction, normal) * T(0.5)));
    }

    void set(const PairLanes<T>& pairs) {
        V r[3];
        pairs.vector(r);
        for (int i = 0; i < 2; ++i) pairs.shape(i, G[i]);
        set(r);
    }

    template <int U>
    void set_invariants(N (&out)[n_invariants][U], int u) const {
        for (int i = 0; i < 2; ++i) {
            out[i][u] = dot(direction, Qn[i]);
            out[2 + i][u] = dot(Qn[i], Qn[i]);
            out[6 + i][u] = dot(QQn[i], Qn[1 - i]);
            out[8 + i][u] = dot(QSn[1 - i], Qn[i]);
        }
        out[4][u] = dot(Qn[0], Qn[1]);
        out[5][u] = trace_of_product(Q[0], Q[1]);
        out[10][u] = trace_of_product(QQ[0], Q[1]);
        out[11][u] = trace_of_product(Q[0], QQ[1]);
        out[12][u] = dot(QQn[0], QQn[1]);
        out[13][u] = trace_of_product(QQ[0], QQ[1]);
    }

    void pull_back(const CoordinateGradient<V>& d, PairGradient<V>& out) const {
        const V(&g)[n_invariants] = d.invariants;
        const V d_form = d.contact * contact * contact * contact * T(-0.25);  // of n G^-1 n = 2 / contact^2
        V d_n[3];
        for (int k = 0; k < 3; ++k) d_n[k] = T(2) * d_form * normal[k];
        for (int i = 0; i < 2; ++i) {
            const int j = 1 - i;
            V d_QQn[3], Q_d_QQn[3], d_Qn[3], Q_d_Qn[3], Gnormal[3];
            for (int k = 0; k < 3; ++k) d_QQn[k] = g[6 + i] * Qn[j][k] + g[12] * QQn[j][k];
            multiply(Q[i], d_QQn, Q_d_QQn);
            for (int k = 0; k < 3; ++k)
                d_Qn[k] = g[i] * direction[k] + T(2) * (g[2 + i] * Qn[i][k] + g[8 + i] * QSn[j][k]) +
                          g[4] * Qn[j][k] + g[6 + j] * QQn[j][k] + Q_d_QQn[k];
            multiply(Q[i], d_Qn, Q_d_Qn);
            for (int k = 0; k < 3; ++k) d_n[k] += g[i] * Qn[i][k] + Q_d_Qn[k];
            V(&turn)[3] = out.rotations[i];
            turn[0] = turn[1] = turn[2] = V{};
            add_cross(V{} + T(1), Qn[i], d_Qn, turn);
            add_cross(V{} + T(1), Q_d_Qn, direction, turn);
            add_cross(V{} + T(1), QQn[i], d_QQn, turn);
            add_cross(V{} + T(1), Q_d_QQn, Qn[i], turn);
            add_cross(T(2) * g[8 + j], QSn[i], Qn[j], turn);
            multiply(G[i], normal, Gnormal);
            add_cross(T(-2) * d_form, Gnormal, normal, turn);
        }
        // traces change only by turns of one particle against the other
        V of_Q[6], of_QQ[6], relative[3]{};
        for (int k = 0; k < 6; ++k) {
            of_Q[k] = g[5] * Q[1][k] + g[11] * QQ[1][k];
            of_QQ[k] = g[10] * Q[1][k] + g[13] * QQ[1][k];
        }
        add_cross_of_columns(Q[0], of_Q, relative);
        add_cross_of_columns(QQ[0], of_QQ, relative);
        const V along = dot(direction, d_n), inverse = T(1) / distance;
        for (int k = 0; k < 3; ++k) {
            out.rotations[0][k] += T(2) * relative[k];
            out.rotations[1][k] -= T(2) * relative[k];
            out.vector[k] = direction[k] * d.distance + (d_n[k] - direction[k] * along) * inverse;
        }
    }
};

template <class V>
inline V from_0_to_1(V x) {
    return x < 0 ? V{} : x > 1 ? V{} + 1 : x;
}

// The switch of geometry/switching.py and its derivative.
template <class T>
inline typename simd<T>::type switched(typename simd<T>::type distance, T cutoff, T width,
                                       typename simd<T>::type& derivative) {
    using V = typename simd<T>::type;
    const V x = from_0_to_1<V>((cutoff - distance) / width);
    const V rest = x * (T(1) - x), square = x * x;
    derivative = rest * rest * rest * (T(-140) / width);
    return square * square * (T(35) - T(84) * x + T(70) * square - T(20) * square * x);
}

// geometry/switching.py, floored: the gap, or less than half of the width below the floor.
template <class T>
inline typename simd<T>::type floored(typename simd<T>::type gap, T floor, T width,
                                      typename simd<T>::type& derivative) {
    using V = typename simd<T>::type;
    const V x = from_0_to_1<V>((floor - gap) / width);
    const V square = x * x, fourth = square * square;
    derivative = T(1) - fourth * (T(35) - T(84) * x + T(70) * square - T(20) * square * x);
    const V bent = x - fourth * x * (T(7) - T(14) * x + T(10) * square - T(2.5) * square * x);
    return (gap > floor ? gap : V{} + floor) - width * bent;
}

}  // namespace
