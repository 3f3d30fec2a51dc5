// The kernels of gaussian_moments; compiled once for every instruction set, with INSTRUCTION_SET its name.
//
// Value: the moments of all pairs of a segment, summed.
// First derivative: for L = sum_n G_n M_n, with G the segment's cotangent, the derivatives of every pair by
//     dL/dmu_k = sum_p M_p (p_k + 1) G(p + e_k),    dL/dC_kq = sum_p M_p (p_k + 1)(p_q + 1) G(p + e_k + e_q)
// (halved for k = q), then by the chain rule those with respect to r, C, w and f.
// Second derivative: the same on dual numbers, whose dual parts are the tangents. This yields the derivatives of
// <tangents, first derivative> with respect to r, C, w and f. Those with respect to G are the tangents of the
// moments.
#include <algorithm>

#include "pairs.hpp"

namespace {

using anisoap::Derivative;
using anisoap::LoneParticle;

constexpr int wide = 2;  // vectors of pairs side by side, for plain numbers

// Adds each moment of all lanes' pairs to its sum.
template <class V, int U>
struct Accumulate {
    V* sums;

    template <int left>
    inline void at(const V (&moment)[U]) {
        V total = moment[0];
        for (int u = 1; u < U; ++u) total += moment[u];
        *sums++ += total;
    }
};

// Contracts the moments with G: `terms` holds, for each moment p, G(p), then (if degrees are left above p) the
// coefficients of dL/dmu, then those of dL/dC, each C_kq with k < q counted once.
template <class Numbers, int U>
struct Contraction {
    using N = typename Numbers::number;
    const typename Numbers::scalar* terms;
    N value[U]{}, mean[3][U]{}, covariance[6][U]{};

    template <int left>
    inline void at(const N (&moment)[U]) {
        for (int u = 0; u < U; ++u) {
            value[u] += moment[u] * terms[0];
            if (left > 0)
                for (int k = 0; k < 3; ++k) mean[k][u] += moment[u] * terms[1 + k];
            if (left > 1)
                for (int k = 0; k < 6; ++k) covariance[k][u] += moment[u] * terms[4 + k];
        }
        terms += left > 1 ? 10 : left > 0 ? 4 : 1;
    }
};

// Contracts, and adds the tangents of the moments to their sums.
template <class T>
struct ContractAndAccumulate {
    using N = typename dual<T>::number;
    Contraction<dual<T>, 1> contraction;
    N amplitude;  // w f
    typename simd<T>::type* sums;

    template <int left>
    inline void at(const N (&moment)[1]) {
        contraction.template at<left>(moment);
        *sums++ += amplitude.value * moment[0].dot + amplitude.dot * moment[0].value;
    }
};

// dL/d(r, C, w, f) of a vector of pairs from the contractions of their moments, which start from the damping.
template <class Numbers, int U>
inline PairInputs<typename Numbers::number> chain_rule(const PairInputs<typename Numbers::number>& pairs,
                                                       const Gaussians<Numbers, U>& gaussians,
                                                       const Contraction<Numbers, U>& contraction,
                                                       typename Numbers::scalar exponent, int u) {
    using T = typename Numbers::scalar;
    using N = typename Numbers::number;
    const N amplitude = pairs.weight * pairs.factor;
    const N value = amplitude * contraction.value[u];
    N d_mean[3], by_covariance[3];
    for (int k = 0; k < 3; ++k) d_mean[k] = amplitude * contraction.mean[k][u];
    multiply(pairs.covariance, d_mean, by_covariance);
    PairInputs<N> d;
    for (int k = 0; k < 3; ++k)
        d.r[k] = d_mean[k] - (by_covariance[k] + value * gaussians.mean[k][u]) * exponent;
    const N curvature = value * (exponent * exponent * T(0.5));
    for (int k = 0, entry = 0; k < 3; ++k)
        for (int q = k; q < 3; ++q, ++entry) {
            const N direct = amplitude * contraction.covariance[entry][u];
            const N through_mean = d_mean[k] * pairs.r[q] + d_mean[q] * pairs.r[k];
            d.covariance[entry] = direct * (k == q ? T(1) : T(0.5)) - through_mean * (exponent * T(0.5)) +
                                  curvature * pairs.r[k] * pairs.r[q];
        }
    d.weight = pairs.factor * contraction.value[u];
    d.factor = pairs.weight * contraction.value[u];
    return d;
}

template <class T>
struct Workspace {
    using V = typename simd<T>::type;
    V* sums;
    V* plane;
    T* terms;

    Workspace(void* memory, const MomentsJob<T>& job)
        : sums(static_cast<V*>(memory)),
          plane(sums + job.n_moments),
          terms(reinterpret_cast<T*>(plane + wide * plane_size(job.degree))) {}
};

std::size_t workspace_bytes(int degree) {
    const std::size_t d = degree, n_moments = (d + 1) * (d + 2) * (d + 3) / 6;
    return vector_bytes * (n_moments + wide * plane_size(degree)) + sizeof(double) * 10 * n_moments;
}

template <class T>
inline void clear_sums(const MomentsJob<T>& job, Workspace<T>& workspace) {
    for (std::int64_t k = 0; k < job.n_moments; ++k) workspace.sums[k] = typename simd<T>::type{};
}

template <class T>
inline void write_sums(const MomentsJob<T>& job, std::int64_t index, const Workspace<T>& workspace) {
    T* out = job.moments + index * job.pitch;
    for (std::int64_t k = 0; k < job.n_moments; ++k)
        out[job.positions[k] * job.stride] = sum_of_lanes<T>(workspace.sums[k]);
}

template <class T>
inline void set_terms(const MomentsJob<T>& job, std::int64_t index, Workspace<T>& workspace) {
    const T* cotangent = job.cotangent + index * job.n_moments;
    for (std::int64_t k = 0; k < job.n_terms; ++k)
        workspace.terms[k] = job.term_factors[k] * cotangent[job.term_positions[k]];
}

template <class T, int U>
inline void add_block(const MomentsJob<T>& job, const Segment& segment, std::int64_t start,
                      Workspace<T>& workspace) {
    using V = typename simd<T>::type;
    Gaussians<plain<T>, U> gaussians;
    for (int u = 0; u < U; ++u) {
        const auto pairs = inputs_of(plain<T>{}, job, segment, start + u * simd<T>::lanes);
        set_gaussians(pairs, job.exponent, u, gaussians);
        gaussians.total[u] *= pairs.weight * pairs.factor;
    }
    Accumulate<V, U> visit{workspace.sums};
    sweep(job.degree, gaussians, reinterpret_cast<V(*)[U]>(workspace.plane), visit);
}

template <class T, int U>
inline void differentiate_block(const MomentsJob<T>& job, const Segment& segment, std::int64_t start,
                                Workspace<T>& workspace) {
    using V = typename simd<T>::type;
    Gaussians<plain<T>, U> gaussians;
    PairInputs<V> pairs[U];
    for (int u = 0; u < U; ++u) {
        pairs[u] = inputs_of(plain<T>{}, job, segment, start + u * simd<T>::lanes);
        set_gaussians(pairs[u], job.exponent, u, gaussians);
    }
    Contraction<plain<T>, U> contraction{workspace.terms};
    sweep(job.degree, gaussians, reinterpret_cast<V(*)[U]>(workspace.plane), contraction);
    for (int u = 0; u < U; ++u)
        scatter(job, segment, start + u * simd<T>::lanes,
                chain_rule(pairs[u], gaussians, contraction, job.exponent, u));
}

template <class T>
inline void differentiate_block_twice(const MomentsJob<T>& job, const Segment& segment, std::int64_t start,
                                      Workspace<T>& workspace) {
    using N = typename dual<T>::number;
    static_assert(sizeof(N) == wide * sizeof(typename simd<T>::type));
    Gaussians<dual<T>, 1> gaussians;
    const auto pairs = inputs_of(dual<T>{}, job, segment, start);
    set_gaussians(pairs, job.exponent, 0, gaussians);
    ContractAndAccumulate<T> visit{{workspace.terms}, pairs.weight * pairs.factor, workspace.sums};
    sweep(job.degree, gaussians, reinterpret_cast<N(*)[1]>(workspace.plane), visit);
    const auto d = chain_rule(pairs, gaussians, visit.contraction, job.exponent, 0);
    PairInputs<typename simd<T>::type> dots;
    for (int k = 0; k < 3; ++k) dots.r[k] = d.r[k].dot;
    for (int k = 0; k < 6; ++k) dots.covariance[k] = d.covariance[k].dot;
    dots.weight = d.weight.dot;
    dots.factor = d.factor.dot;
    scatter(job, segment, start, dots);
}

// One thread computes a segment with all its pairs, so that no other adds to its moments.
template <class T>
void value_of_segment(const MomentsJob<T>& job, std::int64_t index, void* memory) {
    constexpr int lanes = simd<T>::lanes;
    Workspace<T> workspace(memory, job);
    const Segment segment = segment_of(job, index);
    clear_sums(job, workspace);
    std::int64_t start = segment.start;
    for (; segment.pairs_end() - start > lanes; start += wide * lanes)
        add_block<T, wide>(job, segment, start, workspace);
    if (start < segment.pairs_end()) add_block<T, 1>(job, segment, start, workspace);
    write_sums(job, index, workspace);
}

// Particles that are alone in their segments, one in each lane. Lanes beyond the last one repeat it. Where moments are
// stored in lanes too, they are written as vectors.
template <class T>
void value_of_lone_particles(const MomentsJob<T>& job, const LoneParticle<T>* lone, std::int64_t n, void* memory) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    constexpr auto every_lane = std::make_index_sequence<lanes>{};
    Workspace<T> workspace(memory, job);
    for (std::int64_t start = 0; start < n; start += lanes) {
        const T* particles[lanes];
        T* out[lanes];
        bool in_lanes = true;
        for (int lane = 0; lane < lanes; ++lane) {
            const LoneParticle<T>& one = lone[std::min(start + lane, n - 1)];
            particles[lane] = job.arguments.particles[one.particle].covariance;
            out[lane] = one.moments;
            in_lanes &= out[lane] == out[0] + lane;
        }
        V covariance[6];
        for (int k = 0; k < 6; ++k) covariance[k] = column<T>(particles, k, every_lane);
        set_centred<T>(job.degree, covariance, column<T>(particles, 6, every_lane), workspace.sums);
        for (std::int64_t k = 0; k < job.n_moments; ++k) {
            const std::int64_t at = job.positions[k] * job.stride;
            if (in_lanes)
                std::memcpy(out[0] + at, &workspace.sums[k], sizeof(V));
            else
                for (int lane = 0; lane < lanes; ++lane) out[lane][at] = workspace.sums[k][lane];
        }
    }
}

template <class T>
void first_derivative_of_segment(const MomentsJob<T>& job, std::int64_t index, void* memory) {
    constexpr int lanes = simd<T>::lanes;
    Workspace<T> workspace(memory, job);
    const Segment segment = segment_of(job, index);
    if (segment.start == segment.pairs_end()) return;
    set_terms(job, index, workspace);
    for (std::int64_t start = segment.start; start < segment.pairs_end(); start += lanes)
        differentiate_block<T, 1>(job, segment, start, workspace);
}

template <class T>
void second_derivative_of_segment(const MomentsJob<T>& job, std::int64_t index, void* memory) {
    Workspace<T> workspace(memory, job);
    const Segment segment = segment_of(job, index);
    clear_sums(job, workspace);
    set_terms(job, index, workspace);
    for (std::int64_t start = segment.start; start < segment.pairs_end(); start += simd<T>::lanes)
        differentiate_block_twice(job, segment, start, workspace);
    write_sums(job, index, workspace);
}

// Independent multiply-adds and nothing else: the upper bound for the rate of any kernel.
double fma_f64(std::int64_t repeats) {
    using V = typename simd<double>::type;
    constexpr int chains = 12;
    V x[chains];
    for (int k = 0; k < chains; ++k) x[k] = V{} + 1.0 + k;
    V factor = V{} + 0.999999, term = V{} + 1e-6;
    for (std::int64_t n = 0; n < repeats; ++n) {
        for (int k = 0; k < chains; ++k) x[k] = x[k] * factor + term;
#if defined(__x86_64__)
        asm volatile("" : "+x"(factor));  // keeps the compiler from shortening the loop
#elif defined(__aarch64__)
        asm volatile("" : "+w"(factor));
#endif
    }
    double checksum = 0;
    for (int k = 0; k < chains; ++k) checksum += sum_of_lanes<double>(x[k]);
    return checksum == 0 ? 0.0 : 2.0 * chains * simd<double>::lanes * double(repeats);
}

}  // namespace

namespace anisoap {
extern const GaussianMomentsKernels IN_THIS_SET(gaussian_moments_);
const GaussianMomentsKernels IN_THIS_SET(gaussian_moments_) = {
    workspace_bytes,
    {value_of_segment<double>, first_derivative_of_segment<double>, second_derivative_of_segment<double>},
    {value_of_segment<float>, first_derivative_of_segment<float>, second_derivative_of_segment<float>},
    value_of_lone_particles<double>,
    value_of_lone_particles<float>,
    fma_f64,
};
}  // namespace anisoap
