// The work of one call of pair_coordinates, and the functions that each instruction set compiles for it.
//
// The coordinates of a pair are distance, contact distance and 14 invariants, functions of its vector and of the
// shapes of both particles. With a cotangent g of the coordinates, a sweep writes the derivatives of <g, coordinates>;
// with a tangent t of the arguments too, those of <g, J t>, where J is the Jacobian.
#pragma once

#include <cstdint>

namespace anisoap {

constexpr int n_coordinates = 16;

// Arguments of the coordinates, tangents of them, or derivatives with respect to them. Shapes are the six entries of
// symmetric matrices; derivatives with respect to those off the diagonal are of both of the equal entries.
template <class T>
struct PairRows {
    T* vectors;    // [pair, 3]
    T* shapes[2];  // [pair, 6]
};

template <class T>
struct PairCoordinatesJob {
    PairRows<const T> pairs, tangents;  // tangents may be null
    const T* g;                         // [pair, coordinate], or null
    T* coordinates;                     // without g; with tangents their own, which are the derivatives of g
    PairRows<T> derivatives;            // with g
};

// The pairs [first, end).
template <class T>
using PairCoordinatesFunction = void (*)(const PairCoordinatesJob<T>& job, std::int64_t first, std::int64_t end);

struct PairCoordinatesKernels {
    PairCoordinatesFunction<double> f64;
    PairCoordinatesFunction<float> f32;
};

}  // namespace anisoap
