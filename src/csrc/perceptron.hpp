// The work of a multilayer perceptron on rows, and the functions that each instruction set compiles for it.
//
//     z_k = a_(k-1) W_k, a_k = silu(z_k), a_0 = x, out = z_K
//
// With a cotangent g of out, a sweep writes the derivatives of S = <g, out>; with a tangent t of x too, those of
// <g, (d out / d x) t>, which is <t, dS/dx>. Rows are taken in tiles, whose layers stay in the cache: nothing but
// the arguments and results has the size of the rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// Matrices are packed in rows of whole vectors, with zeros behind their numbers, one matrix after the other.
template <class T>
struct PerceptronJob {
    std::int64_t n_layers;
    const std::int64_t* widths;         // [layer + 1]
    const void *weights, *transposed;   // packed: W of each layer, and its transpose
    const T *x, *tangent, *g;           // [row, width]; tangent and g may be null
    T *out;                             // without g
    T *d_x, *d_g;                       // with g; d_g is written if there is a tangent
    void* d_weights;                    // packed as the weights, added to; null where none are wanted
};

template <class T>
struct PerceptronFunctions {
    std::int64_t lanes, tile;  // numbers of a vector, rows of a tile
    // The rows [first, end), in a workspace of so many bytes.
    void (*sweep)(const PerceptronJob<T>& job, std::int64_t first, std::int64_t end, void* workspace);
    std::size_t (*workspace_bytes)(const PerceptronJob<T>& job);
};

struct PerceptronKernels {
    PerceptronFunctions<double> f64;
    PerceptronFunctions<float> f32;
};

}  // namespace anisoap
