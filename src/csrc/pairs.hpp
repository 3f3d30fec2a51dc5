// Gathers pairs into the lanes of vectors, and scatters derivatives to edges and particles.
#pragma once

#include "gaussian_moments.hpp"
#include "recurrence.hpp"
#include "symmetric.hpp"

namespace {

using anisoap::Arguments;
using anisoap::Gradients;
using anisoap::MomentsJob;
using anisoap::Particle;

// The sorted edges of one segment. A particle `owner` >= 0 is one more pair after the edges, at r = 0.
struct Segment {
    std::int64_t start, end, owner;
    std::int64_t pairs_end() const { return end + (owner >= 0); }
};

template <class T>
inline Segment segment_of(const MomentsJob<T>& job, std::int64_t index) {
    return {job.offsets[index], job.offsets[index + 1], job.owners ? job.owners[index] : -1};
}

template <class T>
inline std::int64_t edge_at(const MomentsJob<T>& job, std::int64_t sorted) {
    return job.order ? job.order[sorted] : sorted;
}

// r, C, w and f of a vector of pairs.
template <class Number>
struct PairInputs {
    Number r[3], covariance[6], weight, factor;
};

// Gathers the pairs from `start` on. Lanes beyond the segment repeat its last pair with factor 0.
template <class T>
inline PairInputs<typename simd<T>::type> gather(const MomentsJob<T>& job, const Arguments<T>& from,
                                                 const Segment& segment, std::int64_t start, T default_factor) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    constexpr auto every_lane = std::make_index_sequence<lanes>{};
    static constexpr T origin[3] = {0, 0, 0};
    const T* vectors[lanes];
    const T* particles[lanes];
    T factors[lanes];
    for (int lane = 0; lane < lanes; ++lane) {
        const std::int64_t at = start + lane;
        if (segment.owner >= 0 && at >= segment.end) {
            vectors[lane] = origin;
            particles[lane] = from.particles[segment.owner].covariance;
            factors[lane] = at == segment.end ? default_factor : T(0);
        } else {
            const std::int64_t edge = edge_at(job, at < segment.end ? at : segment.end - 1);
            vectors[lane] = from.edge_vectors + 3 * edge;
            particles[lane] = from.particles[job.neighbors[edge]].covariance;
            factors[lane] = at < segment.end ? from.pair_weights ? from.pair_weights[edge] : default_factor : T(0);
        }
    }
    PairInputs<V> pairs;
    for (int k = 0; k < 3; ++k) pairs.r[k] = column<T>(vectors, k, every_lane);
    for (int k = 0; k < 6; ++k) pairs.covariance[k] = column<T>(particles, k, every_lane);
    pairs.weight = column<T>(particles, 6, every_lane);
    std::memcpy(&pairs.factor, factors, sizeof(V));
    return pairs;
}

template <class T>
inline PairInputs<typename simd<T>::type> inputs_of(plain<T>, const MomentsJob<T>& job, const Segment& segment,
                                                    std::int64_t start) {
    return gather(job, job.arguments, segment, start, T(1));
}

template <class T>
inline PairInputs<Dual<typename simd<T>::type>> inputs_of(dual<T>, const MomentsJob<T>& job,
                                                          const Segment& segment, std::int64_t start) {
    const auto value = gather(job, job.arguments, segment, start, T(1));
    const auto dot = gather(job, job.tangents, segment, start, T(0));
    PairInputs<Dual<typename simd<T>::type>> pairs;
    for (int k = 0; k < 3; ++k) pairs.r[k] = {value.r[k], dot.r[k]};
    for (int k = 0; k < 6; ++k) pairs.covariance[k] = {value.covariance[k], dot.covariance[k]};
    pairs.weight = {value.weight, dot.weight};
    pairs.factor = {value.factor, dot.factor};
    return pairs;
}

// The Gaussians N(mu, C) of a vector of pairs, and their damping exp(-½ beta r·mu) as M(0,0,0).
template <class Numbers, int U, class Number>
inline void set_gaussians(const PairInputs<Number>& pairs, typename Numbers::scalar exponent, int u,
                          Gaussians<Numbers, U>& gaussians) {
    using T = typename Numbers::scalar;
    Number scaled[6], shift[3], mean[3];
    for (int k = 0; k < 6; ++k) {
        gaussians.covariance[k][u] = pairs.covariance[k];
        scaled[k] = pairs.covariance[k] * exponent;  // beta C is at most 1, so this cannot overflow
    }
    multiply(scaled, pairs.r, shift);
    for (int k = 0; k < 3; ++k) gaussians.mean[k][u] = mean[k] = pairs.r[k] - shift[k];
    if (exponent == 0) {
        gaussians.total[u] = Numbers::one();
    } else {
        const Number overlap = pairs.r[0] * mean[0] + pairs.r[1] * mean[1] + pairs.r[2] * mean[2];
        gaussians.total[u] = Numbers::exponential(overlap * (exponent * T(-0.5)));
    }
}

// Writes the derivatives of a vector of pairs with respect to r, C, w and f to their edges and particles.
template <class T>
inline void scatter(const MomentsJob<T>& job, const Segment& segment, std::int64_t start,
                    const PairInputs<typename simd<T>::type>& derivative) {
    constexpr int lanes = simd<T>::lanes;
    T numbers[11][lanes];
    for (int k = 0; k < 3; ++k) std::memcpy(numbers[k], &derivative.r[k], sizeof numbers[k]);
    for (int k = 0; k < 6; ++k) std::memcpy(numbers[3 + k], &derivative.covariance[k], sizeof numbers[k]);
    std::memcpy(numbers[9], &derivative.weight, sizeof numbers[9]);
    std::memcpy(numbers[10], &derivative.factor, sizeof numbers[10]);
    const Gradients<T>& out = job.gradients;
    for (int lane = 0; lane < lanes && start + lane < segment.pairs_end(); ++lane) {
        const bool own = start + lane == segment.end;
        const std::int64_t edge = own ? -1 : edge_at(job, start + lane);
        Particle<T>* particle = own ? out.particles : out.edges;
        if (particle) {
            particle += own ? segment.owner : edge;
            for (int k = 0; k < 6; ++k) particle->covariance[k] = numbers[3 + k][lane];
            particle->weight = numbers[9][lane];
        }
        if (own) continue;
        for (int k = 0; k < 3; ++k) out.edge_vectors[3 * edge + k] = numbers[k][lane];
        if (out.pair_weights) out.pair_weights[edge] = numbers[10][lane];
    }
}

}  // namespace
