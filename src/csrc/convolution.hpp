// The work of one convolution over edges, and the functions that each instruction set compiles for it.
//
//     S = sum over edges e: j -> i, over paths, over C_k g[i, m3_k, u] x[j, m1_k, u] Y[e, m2_k] W[e, u]
//
// Sweeps of four kinds compute derivatives of S; convolution_native.py says which, and why they suffice. A sweep
// at the centres sums its edges to g's rows, one at the neighbours to x's rows, and then also writes the
// derivatives with respect to Y and W of each edge. Channels u are the lanes of vectors. What all channels of an
// edge share is the matrix M[m3, m1] = sum C_k Y[m2_k] of each path; it is computed for as many edges at once as
// a vector has lanes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// An irrep of x or g. In memory it lies as [channel, component]; in rows of vectors as [component, vector].
struct ConvolutionIrrep {
    std::int64_t position, channels, components;
    std::int64_t row;      // its first vector in a row
    std::int64_t vectors;  // of each component
};

// Sums of coefficients times numbers: to[run.to] = sum over its terms of coefficient from[term.from].
template <class T>
struct CouplingTerm {
    std::int64_t from;
    T coefficient;
};
struct CouplingRun {
    std::int64_t to, first, end;
};
template <class T>
struct Coupling {
    const CouplingRun *runs, *runs_end;
    const CouplingTerm<T>* terms;
};

template <class T>
struct ConvolutionPath {
    std::int64_t in, out;      // irreps of x and g
    std::int64_t weights;      // the first
    std::int64_t matrix;       // first number of M among the matrices of an edge, [m3, m1]
    bool is_diagonal;          // M
    Coupling<T> to_harmonics;  // from this path's dS/dM to dS/dY
};

// x, Y and W, or tangents of them. x is packed in rows of vectors.
template <class T>
struct ConvolutionPoint {
    const void* x;
    const T *harmonics, *weights;
};

template <class T>
struct ConvolutionJob {
    std::int64_t dim_x, dim_harmonics, n_weights, dim_out;  // in memory
    std::int64_t row_x, row_out, n_matrix;                  // vectors in rows of x and g, numbers of all M
    const ConvolutionIrrep *inputs, *outputs;
    std::int64_t n_inputs, n_outputs;
    const ConvolutionPath<T>*paths, *paths_end;
    std::int64_t largest_matrix;  // numbers of the M of one path
    Coupling<T> to_matrix;        // from Y to the M of all paths

    std::int64_t n_edges;
    const std::int64_t *neighbors, *centers;
    const std::int64_t *offsets, *order;  // of the particles' edges; order is null where they are sorted
    ConvolutionPoint<T> point, tangent;
    bool has_tangent;
    const void* g;                         // packed; null for sweeps at the centres
    T *out, *d_harmonics, *d_weights;      // out: sums of the particles, in memory
};

template <class T>
struct ConvolutionFunctions {
    // Packs rows [first, end) of x or g.
    void (*pack)(const ConvolutionIrrep* irreps, std::int64_t n_irreps, std::int64_t dim, std::int64_t row,
                 const T* from, void* to, std::int64_t first, std::int64_t end);
    // Sums the edges of the particles [first, end), in a workspace of so many bytes.
    void (*sweep)(const ConvolutionJob<T>& job, std::int64_t first, std::int64_t end, void* workspace);
    std::size_t (*workspace_bytes)(const ConvolutionJob<T>& job);
};

struct ConvolutionKernels {
    std::size_t vector_bytes;
    ConvolutionFunctions<double> f64;
    ConvolutionFunctions<float> f32;
};

}  // namespace anisoap
