// The work of one call of gaussian_moments, and the table of functions that each instruction set fills.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// What a pair needs of its neighbour, in one cache line.
template <class T>
struct Particle {
    T covariance[6];  // xx, xy, xz, yy, yz, zz
    T weight;
    T unused;
};

template <class T>
struct MomentsJob {
    const T* edge_vectors;         // [edge, 3]
    const std::int64_t* neighbors; // [edge]
    const T* pair_weights;         // [edge], or null for ones
    const std::int64_t* order;     // edges sorted by segment, or null where they already are
    const std::int64_t* offsets;   // [segment + 1] into the sorted edges
    const std::int64_t* owners;    // [segment], the particle that is there at r = 0 too, or -1; or null
    const Particle<T>* particles;  // [particle]
    T exponent;                    // beta
    int degree;
    const std::int64_t* positions; // where the moment (a, b, c), counted in this order, is stored
    std::int64_t n_moments;
    T* moments;                    // [segment, moment]
};

// One compiled copy of the kernels.
struct InstructionSet {
    const char* name;
    std::size_t (*workspace_bytes)(int degree);
    void (*sweep_f64)(const MomentsJob<double>&, std::int64_t segment, void* workspace);
    void (*sweep_f32)(const MomentsJob<float>&, std::int64_t segment, void* workspace);
    double (*fma_f64)(std::int64_t repeats);  // returns the floating-point operations done
};

}  // namespace anisoap
