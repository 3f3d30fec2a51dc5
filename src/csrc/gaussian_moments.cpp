// Forward sweep of gaussian_moments; compiled once for every instruction set, with INSTRUCTION_SET its name.
//
// Moments M(a,b,c) = W E[x^a y^b z^c] of N(mu, C) obey, for an axis k and n = (a,b,c),
//     M(n + e_k) = mu_k M(n) + sum_q C_kq n_q M(n - e_q),        M(0,0,0) = W.
// Each lane of a vector is a pair. For given (a, b) the sweep runs along c, so all it needs beside the two
// last moments of the chain are the rows (a-1, b) and (a, b-1): one plane of rows, overwritten as a grows.
#include "gaussian_moments.hpp"
#include "simd.hpp"

#include <utility>

namespace {

using anisoap::MomentsJob;
using anisoap::Particle;

constexpr int wide = 2;  // vectors side by side: hides the latency of the chain along c

// Row b of the plane starts here; rows shorten by one as b grows.
inline int row_start(int degree, int b) { return b * (degree + 1) - b * (b - 1) / 2; }

template <class T, int U>
struct Pairs {
    using V = typename simd<T>::type;
    V mu[3][U];
    V covariance[6][U];
    V weight[U];
};

template <class V, int U>
inline V total(const V (&v)[U]) {
    V sum = v[0];
    for (int u = 1; u < U; ++u) sum += v[u];
    return sum;
}

// The chain along c at fixed (a, b), from its first moment; adds every moment to `sums`.
template <bool has_a, bool has_b, class T, int U, class V>
inline V* chain(int a, int b, int length, const Pairs<T, U>& pairs, V (&current)[U], V (*row)[U],
                V (*below)[U], V* sums) {
    V axz[U], byz[U], czz[U], previous[U];
    for (int u = 0; u < U; ++u) {
        axz[u] = pairs.covariance[2][u] * T(a);
        byz[u] = pairs.covariance[4][u] * T(b);
        czz[u] = V{};
        previous[u] = V{};
    }
    for (int c = 0; c < length; ++c) {
        *sums++ += total(current);
        for (int u = 0; u < U; ++u) {
            V next = previous[u] * czz[u];
            if (has_a) next += axz[u] * row[c][u];
            if (has_b) next += byz[u] * below[c][u];
            next += pairs.mu[2][u] * current[u];
            row[c][u] = current[u];
            previous[u] = current[u];
            current[u] = next;
            czz[u] += pairs.covariance[5][u];
        }
    }
    *sums++ += total(current);
    for (int u = 0; u < U; ++u) row[length][u] = current[u];
    return sums;
}

template <class T, int U, class V>
inline void sweep(int degree, const Pairs<T, U>& pairs, V (*plane)[U], V* sums) {
    V corner[U], last_corner[U];  // M(a,0,0), M(a-1,0,0)
    for (int a = 0; a <= degree; ++a) {
        for (int u = 0; u < U; ++u) {
            const V next = a == 0 ? pairs.weight[u]
                                  : pairs.mu[0][u] * corner[u] + pairs.covariance[0][u] * T(a - 1) * last_corner[u];
            last_corner[u] = a == 0 ? V{} : corner[u];
            corner[u] = next;
        }
        V first[U], last_first[U], old_first[U];  // M(a,b,0), M(a,b-1,0), M(a-1,b,0)
        for (int u = 0; u < U; ++u) {
            first[u] = corner[u];
            last_first[u] = V{};
            old_first[u] = a == 0 ? V{} : last_corner[u];
        }
        for (int b = 0; b <= degree - a; ++b) {
            V (*row)[U] = plane + row_start(degree, b);
            V (*below)[U] = b == 0 ? row : plane + row_start(degree, b - 1);
            V next_first[U], current[U];
            for (int u = 0; u < U; ++u) {
                next_first[u] = pairs.mu[1][u] * first[u] + pairs.covariance[1][u] * T(a) * old_first[u] +
                                pairs.covariance[3][u] * T(b) * last_first[u];
                last_first[u] = current[u] = first[u];
                first[u] = next_first[u];
            }
            if (a > 0 && b < degree - a)
                for (int u = 0; u < U; ++u) old_first[u] = plane[row_start(degree, b + 1)][u];
            const int length = degree - a - b;
            if (a == 0 && b == 0) sums = chain<false, false>(a, b, length, pairs, current, row, below, sums);
            else if (a == 0) sums = chain<false, true>(a, b, length, pairs, current, row, below, sums);
            else if (b == 0) sums = chain<true, false>(a, b, length, pairs, current, row, below, sums);
            else sums = chain<true, true>(a, b, length, pairs, current, row, below, sums);
        }
    }
}

// One number from the row of each lane, as a vector.
template <class T, std::size_t... lane>
inline typename simd<T>::type column(const T* const* rows, int k, std::index_sequence<lane...>) {
    return typename simd<T>::type{rows[lane][k]...};
}

// What one lane works on.
template <class T>
struct Pair {
    const T* vector;
    const T* particle;
    T factor;
};

template <class T>
inline Pair<T> pair_at(const MomentsJob<T>& job, std::int64_t sorted) {
    const std::int64_t edge = job.order ? job.order[sorted] : sorted;
    return {job.edge_vectors + 3 * edge, job.particles[job.neighbors[edge]].covariance,
            job.pair_weights ? job.pair_weights[edge] : T(1)};
}

template <class T>
inline Pair<T> own_pair(const MomentsJob<T>& job, std::int64_t owner) {
    static constexpr T origin[3] = {0, 0, 0};
    return {origin, job.particles[owner].covariance, T(1)};
}

// Gathers the pairs of sorted edges `start` to `end`, and the one of `owner` after them if it is not
// negative, into lanes; the lanes beyond repeat the last pair with weight 0.
template <class T, int U>
inline void gather(const MomentsJob<T>& job, std::int64_t start, std::int64_t end, std::int64_t owner,
                   Pairs<T, U>& pairs) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    constexpr auto every_lane = std::make_index_sequence<lanes>{};
    for (int u = 0; u < U; ++u) {
        const T* vectors[lanes];
        const T* particles[lanes];
        T factors[lanes];
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t at = start + u * lanes + lane;
            const bool own = owner >= 0 && at >= end;
            const Pair<T> pair = own ? own_pair(job, owner) : pair_at(job, at < end ? at : end - 1);
            vectors[lane] = pair.vector;
            particles[lane] = pair.particle;
            factors[lane] = at < end + own ? pair.factor : T(0);
        }
        V x[3], w;
        for (int k = 0; k < 3; ++k) x[k] = column<T>(vectors, k, every_lane);
        for (int k = 0; k < 6; ++k) pairs.covariance[k][u] = column<T>(particles, k, every_lane);
        std::memcpy(&w, factors, sizeof(V));
        w *= column<T>(particles, 6, every_lane);
        const V xx = pairs.covariance[0][u], xy = pairs.covariance[1][u], xz = pairs.covariance[2][u];
        const V yy = pairs.covariance[3][u], yz = pairs.covariance[4][u], zz = pairs.covariance[5][u];
        pairs.mu[0][u] = x[0] - job.exponent * (xx * x[0] + xy * x[1] + xz * x[2]);
        pairs.mu[1][u] = x[1] - job.exponent * (xy * x[0] + yy * x[1] + yz * x[2]);
        pairs.mu[2][u] = x[2] - job.exponent * (xz * x[0] + yz * x[1] + zz * x[2]);
        const V overlap = x[0] * pairs.mu[0][u] + x[1] * pairs.mu[1][u] + x[2] * pairs.mu[2][u];
        pairs.weight[u] = job.exponent == 0 ? w : w * exponential<T>(overlap * (job.exponent * T(-0.5)));
    }
}

template <class T, int U>
inline void add_block(const MomentsJob<T>& job, std::int64_t start, std::int64_t end, std::int64_t owner,
                      void* plane, typename simd<T>::type* sums) {
    using V = typename simd<T>::type;
    Pairs<T, U> pairs;
    gather<T, U>(job, start, end, owner, pairs);
    sweep<T, U>(job.degree, pairs, static_cast<V (*)[U]>(plane), sums);
}

// All pairs of one segment, so that nobody else adds to its moments.
template <class T>
void sweep_segment(const MomentsJob<T>& job, std::int64_t segment, void* workspace) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    V* sums = static_cast<V*>(workspace);
    V* plane = sums + job.n_moments;
    const std::int64_t end = job.offsets[segment + 1], owner = job.owners ? job.owners[segment] : -1;
    const std::int64_t pairs_end = end + (owner >= 0);
    for (std::int64_t k = 0; k < job.n_moments; ++k) sums[k] = V{};
    std::int64_t start = job.offsets[segment];
    for (; pairs_end - start > lanes; start += lanes * wide) add_block<T, wide>(job, start, end, owner, plane, sums);
    if (start < pairs_end) add_block<T, 1>(job, start, end, owner, plane, sums);
    T* out = job.moments + segment * job.n_moments;
    for (std::int64_t k = 0; k < job.n_moments; ++k) out[job.positions[k]] = sum_of_lanes<T>(sums[k]);
}

std::size_t workspace_bytes(int degree) {
    const std::size_t d = degree;
    return vector_bytes * ((d + 1) * (d + 2) * (d + 3) / 6 + wide * (d + 1) * (d + 2) / 2);
}

// Independent multiply-adds and nothing else: the rate that no kernel can beat.
double fma_f64(std::int64_t repeats) {
    using V = typename simd<double>::type;
    constexpr int chains = 12;
    V x[chains];
    for (int k = 0; k < chains; ++k) x[k] = V{} + 1.0 + k;
    V factor = V{} + 0.999999, term = V{} + 1e-6;
    for (std::int64_t n = 0; n < repeats; ++n) {
        for (int k = 0; k < chains; ++k) x[k] = x[k] * factor + term;
        asm volatile("" : "+x"(factor));  // so that the loop is not shortened
    }
    double checksum = 0;
    for (int k = 0; k < chains; ++k) checksum += sum_of_lanes<double>(x[k]);
    return checksum == 0 ? 0.0 : 2.0 * chains * simd<double>::lanes * double(repeats);
}

}  // namespace

#define JOIN(a, b) a##b
#define NAMED(name) JOIN(instruction_set_, name)
#define QUOTE(name) #name
#define QUOTED(name) QUOTE(name)

namespace anisoap {
extern const InstructionSet NAMED(INSTRUCTION_SET);
const InstructionSet NAMED(INSTRUCTION_SET) = {
    QUOTED(INSTRUCTION_SET), workspace_bytes, sweep_segment<double>, sweep_segment<float>, fma_f64,
};
}  // namespace anisoap
