// The work of one call of gaussian_moments and of its derivatives, and the functions that each instruction set
// compiles for it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// A neighbour's covariance and weight, in one cache line.
template <class T>
struct Particle {
    T covariance[6];  // xx, xy, xz, yy, yz, zz
    T weight;
    T unused;
};

// The floating-point arguments of gaussian_moments, or tangents of them.
template <class T>
struct Arguments {
    const T* edge_vectors;         // [edge, 3]
    const T* pair_weights;         // [edge], or null: ones (as tangents: zeros)
    const Particle<T>* particles;  // [particle]
};

// Outputs: derivatives with respect to the Arguments. Those of particles are stored by edge and summed later.
template <class T>
struct Gradients {
    T* edge_vectors;         // [edge, 3]
    T* pair_weights;         // [edge], or null
    Particle<T>* edges;      // [edge], contribution of each edge to its neighbour; or null
    Particle<T>* particles;  // [particle], contribution of own segments; or null
};

template <class T>
struct MomentsJob {
    Arguments<T> arguments;
    Arguments<T> tangents;         // of the second derivative only
    const std::int64_t* neighbors; // [edge]
    const std::int64_t* order;     // edges sorted by segment, or null where they already are
    const std::int64_t* offsets;   // [segment + 1] into the sorted edges
    const std::int64_t* owners;    // [segment], the particle added at r = 0, or -1; or null
    T exponent;                    // beta
    int degree;
    std::int64_t n_moments;
    const std::int64_t* positions; // where moments are stored, in rising order of (a, b, c)
    T* moments;                    // [segment, moment], written by the value and the second derivative
    std::int64_t pitch, stride;    // numbers from the moments of one segment to those of the next, and between them
    const T* cotangent;            // [segment, moment], of the moments; read by both derivatives
    std::int64_t n_terms;          // see Contraction in gaussian_moments.cpp
    const std::int64_t* term_positions;
    const T* term_factors;
    Gradients<T> gradients;
};

enum class Derivative { value, first, second };

template <class T>
using SegmentFunction = void (*)(const MomentsJob<T>&, std::int64_t segment, void* workspace);

// A particle whose own Gaussian is alone in a segment, and where the moments of that segment are stored.
template <class T>
struct LoneParticle {
    std::int64_t particle;
    T* moments;
};

template <class T>
using LoneFunction = void (*)(const MomentsJob<T>&, const LoneParticle<T>* lone, std::int64_t n, void* workspace);

struct GaussianMomentsKernels {
    std::size_t (*workspace_bytes)(int degree);
    SegmentFunction<double> f64[3];  // by Derivative
    SegmentFunction<float> f32[3];
    LoneFunction<double> lone_f64;  // value
    LoneFunction<float> lone_f32;
    double (*fma_f64)(std::int64_t repeats);  // returns the floating-point operations done
};

template <class T>
inline SegmentFunction<T> segment_function(const GaussianMomentsKernels& kernels, Derivative which);
template <>
inline SegmentFunction<double> segment_function<double>(const GaussianMomentsKernels& kernels, Derivative which) {
    return kernels.f64[int(which)];
}
template <>
inline SegmentFunction<float> segment_function<float>(const GaussianMomentsKernels& kernels, Derivative which) {
    return kernels.f32[int(which)];
}

template <class T>
inline LoneFunction<T> lone_function(const GaussianMomentsKernels& kernels);
template <>
inline LoneFunction<double> lone_function<double>(const GaussianMomentsKernels& kernels) {
    return kernels.lone_f64;
}
template <>
inline LoneFunction<float> lone_function<float>(const GaussianMomentsKernels& kernels) {
    return kernels.lone_f32;
}

}  // namespace anisoap
