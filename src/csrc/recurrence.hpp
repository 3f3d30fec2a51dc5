// The moments of a few pairs at once.
//
// Moments M(a,b,c) = M(0,0,0) E[x^a y^b z^c] of N(mu, C) obey, for an axis k and n = (a,b,c),
//     M(n + e_k) = mu_k M(n) + sum_q C_kq n_q M(n - e_q).
// Each lane of a vector is a pair. For given (a, b) the sweep runs along c, so all it needs beside the two
// last moments of the chain are the rows (a-1, b) and (a, b-1): one plane of rows, overwritten as a grows.
#pragma once

#include "dual.hpp"

namespace {

// U vectors of pairs side by side, which hides the latency of the chain along c.
template <class Numbers, int U>
struct Gaussians {
    using number = typename Numbers::number;
    number mean[3][U];
    number covariance[6][U];  // xx, xy, xz, yy, yz, zz
    number total[U];          // M(0,0,0)
};

// Row b of the plane starts here; rows shorten by one as b grows.
inline int row_start(int degree, int b) { return b * (degree + 1) - b * (b - 1) / 2; }

inline std::size_t plane_size(int degree) { return std::size_t(degree + 1) * (degree + 2) / 2; }

// The chain along c at fixed (a, b) from its first moment on. Every moment goes to visit.at<left>, in rising
// order of (a, b, c), where left says how many degrees above it there are: 0, 1, or 2 for more.
template <bool has_a, bool has_b, class Numbers, int U, class Visitor>
inline void chain(int a, int b, int length, const Gaussians<Numbers, U>& pairs,
                  typename Numbers::number (&current)[U], typename Numbers::number (*row)[U],
                  typename Numbers::number (*below)[U], Visitor& visit) {
    using T = typename Numbers::scalar;
    using N = typename Numbers::number;
    N axz[U], byz[U], czz[U], previous[U];
    for (int u = 0; u < U; ++u) {
        axz[u] = pairs.covariance[2][u] * T(a);
        byz[u] = pairs.covariance[4][u] * T(b);
        czz[u] = previous[u] = N{};
    }
    const auto step = [&](int c) __attribute__((always_inline)) {
        for (int u = 0; u < U; ++u) {
            N next = previous[u] * czz[u];
            if (has_a) next += axz[u] * row[c][u];
            if (has_b) next += byz[u] * below[c][u];
            next += pairs.mean[2][u] * current[u];
            row[c][u] = current[u];
            previous[u] = current[u];
            current[u] = next;
            czz[u] += pairs.covariance[5][u];
        }
    };
    for (int c = 0; c < length - 1; ++c) {
        visit.template at<2>(current);
        step(c);
    }
    if (length > 0) {
        visit.template at<1>(current);
        step(length - 1);
    }
    visit.template at<0>(current);
    for (int u = 0; u < U; ++u) row[length][u] = current[u];
}

template <class Numbers, int U, class Visitor>
inline void sweep(int degree, const Gaussians<Numbers, U>& pairs, typename Numbers::number (*plane)[U],
                  Visitor& visit) {
    using T = typename Numbers::scalar;
    using N = typename Numbers::number;
    N corner[U], last_corner[U];  // M(a,0,0), M(a-1,0,0)
    for (int a = 0; a <= degree; ++a) {
        N first[U], last_first[U], old_first[U];  // M(a,b,0), M(a,b-1,0), M(a-1,b,0)
        for (int u = 0; u < U; ++u) {
            if (a == 0) {
                corner[u] = pairs.total[u];
                last_corner[u] = N{};
            } else {
                const N next = pairs.mean[0][u] * corner[u] + pairs.covariance[0][u] * T(a - 1) * last_corner[u];
                last_corner[u] = corner[u];
                corner[u] = next;
            }
            first[u] = corner[u];
            last_first[u] = N{};
            old_first[u] = last_corner[u];
        }
        for (int b = 0; b <= degree - a; ++b) {
            N(*row)[U] = plane + row_start(degree, b);
            N(*below)[U] = b == 0 ? row : plane + row_start(degree, b - 1);
            N current[U];
            for (int u = 0; u < U; ++u) {
                const N next = pairs.mean[1][u] * first[u] + pairs.covariance[1][u] * T(a) * old_first[u] +
                               pairs.covariance[3][u] * T(b) * last_first[u];
                last_first[u] = current[u] = first[u];
                first[u] = next;
            }
            if (a > 0 && b < degree - a)
                for (int u = 0; u < U; ++u) old_first[u] = plane[row_start(degree, b + 1)][u];
            const int length = degree - a - b;
            if (a == 0 && b == 0) chain<false, false>(a, b, length, pairs, current, row, below, visit);
            else if (a == 0) chain<false, true>(a, b, length, pairs, current, row, below, visit);
            else if (b == 0) chain<true, false>(a, b, length, pairs, current, row, below, visit);
            else chain<true, true>(a, b, length, pairs, current, row, below, visit);
        }
    }
}

// The moments of Gaussians at the origin in rising order, one Gaussian in each lane. Those of odd degree are zero.
// With k the last axis along which n > 0,
//     M(n) = sum_q C_kq (n - e_k)_q M(n - e_k - e_q).
template <class T>
inline void set_centred(int degree, const typename simd<T>::type (&covariance)[6], typename simd<T>::type total,
                        typename simd<T>::type* moments) {
    using V = typename simd<T>::type;
    V* row = moments;  // M(a,b,0), and behind it the others of these a and b
    const V *left = row, *left_corner = row, *last_corner = row;  // M(a-1,b,0), M(a-1,0,0), M(a-2,0,0)
    for (int a = 0; a <= degree; ++a) {
        V* const corner = row;
        const V *below = row, *last_below = row, *left_below = left;  // M(a,b-1,0), M(a,b-2,0), M(a-1,b-1,0)
        for (int b = 0; b <= degree - a; ++b) {
            const V axy = covariance[1] * T(a), axz = covariance[2] * T(a), byz = covariance[4] * T(b);
            const int length = degree - a - b, odd = (a + b) % 2;
            row[0] = V{};
            if (odd) {
                if (length > 0) row[1] = a == 0 ? byz * below[0] : axz * left[0] + byz * below[0];
            } else if (b > 0) {
                if (a > 0) row[0] = axy * left_below[0];
                if (b > 1) row[0] += covariance[3] * T(b - 1) * last_below[0];
            } else {
                row[0] = a == 0 ? total : covariance[0] * T(a - 1) * last_corner[0];
            }
            V czz = covariance[5] * T(1 + odd);
            for (int c = 2 + odd; c <= length; c += 2) {
                row[c - 1] = V{};
                V next = row[c - 2] * czz;
                if (a > 0) next += axz * left[c - 1];
                if (b > 0) next += byz * below[c - 1];
                row[c] = next;
                czz += covariance[5] + covariance[5];
            }
            if ((length + odd) % 2) row[length] = V{};
            last_below = below;
            below = row;
            left_below = left;
            row += length + 1;
            left += length + 2;
        }
        last_corner = left_corner;
        left = left_corner = corner;
    }
}

}  // namespace
