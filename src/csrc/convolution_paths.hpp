// The innermost loops of convolutions: one path of as many edges of a particle as a vector has lanes, for one or
// two vectors of channels.
//
// Numbers of components are known to the compiler where they are small. It is told to unroll the loops over them,
// so that sums stay in registers.
#pragma once

#include <type_traits>

#include "convolution.hpp"
#include "simd.hpp"
#include "streaming.hpp"

namespace {

// Edges that are summed to the same particle. At the centres g and the derivatives are not used.
template <class T>
struct EdgeTile {
    static constexpr int lanes = simd<T>::lanes;
    using V = typename simd<T>::type;
    int n;
    const V *x[lanes], *x_tangent[lanes], *g[lanes];  // rows
    const T *w[lanes], *w_tangent[lanes];
    const T *next_w[lanes], *next_w_tangent[lanes];   // of edges two tiles later, to be prefetched
    T* d_weights[lanes];
    V* d_harmonics;  // [harmonic, edge], summed over paths and vectors of channels, not over lanes
};

// As many edges as are taken from dS/dM to dS/dY at once: no sum there waits for another.
template <class T>
constexpr int edges_of_group = EdgeTile<T>::lanes < 4 ? EdgeTile<T>::lanes : 4;

template <class T>
struct PathStep {
    using V = typename simd<T>::type;
    std::int64_t d1, d3;                    // components of x and out
    std::int64_t at_x, at_out, at_weights;  // positions in rows and among the weights
    std::int64_t vectors_x, vectors_out;    // of each component
    bool past_caches;                       // how derivatives of weights are written
    const T *m, *m_tangent;                 // M[m3, m1] of the edges, one for each lane
    V* sum;                                 // row of out or of dS/dx
    V* d_matrix;                            // dS/dM [m3, m1, edge] of a group, summed over vectors, not over lanes
    anisoap::Coupling<T> to_harmonics;      // from dS/dM to dS/dY
};

// Some vectors of channels.
template <class T, int n>
struct Vectors {
    using V = typename simd<T>::type;
    V v[n];

    static Vectors load(const T* from) {
        Vectors all;
        for (int k = 0; k < n; ++k) std::memcpy(&all.v[k], from + k * simd<T>::lanes, vector_bytes);
        return all;
    }
    void store(T* to, bool past_caches) const {
        for (int k = 0; k < n; ++k, to += simd<T>::lanes)
            if (!past_caches || !stream(to, v[k])) std::memcpy(to, &v[k], vector_bytes);
    }
};

// The components of one irrep of a row, copied to registers if their number D is known, else left where they are.
template <class V, int D, int n>
struct Components {
    std::remove_const_t<V> copies[(D ? D : 1) * n];
    V* in_row;
    std::int64_t pitch;

    Components(V* row, std::int64_t vectors) : in_row(row), pitch(vectors) {
#pragma GCC unroll 8
        for (int m = 0; m < D; ++m)
            for (int v = 0; v < n; ++v) copies[m * n + v] = row[m * vectors + v];
    }
    V* operator[](std::int64_t m) { return D ? copies + m * n : in_row + m * pitch; }
    void store() const {
#pragma GCC unroll 8
        for (int m = 0; m < D; ++m)
            for (int v = 0; v < n; ++v) in_row[m * pitch + v] = copies[m * n + v];
    }
};

template <class T, int n>
inline void prefetch(const T* weights) {
    for (int v = 0; v < n; ++v)
        __builtin_prefetch(reinterpret_cast<const char*>(weights) + v * vector_bytes, 0, 2);
}

// The weights of one edge and path, and their tangents. Those of a later edge are fetched.
template <class T, int n, bool tangent>
struct Weights {
    Vectors<T, n> w, w_tangent{};

    Weights(const PathStep<T>& step, const EdgeTile<T>& edges, int edge)
        : w(of(edges.w[edge], edges.next_w[edge], step)) {
        if (tangent) w_tangent = of(edges.w_tangent[edge], edges.next_w_tangent[edge], step);
    }

  private:
    static Vectors<T, n> of(const T* here, const T* next, const PathStep<T>& step) {
        prefetch<T, n>(next + step.at_weights);
        return Vectors<T, n>::load(here + step.at_weights);
    }
};

// Where M is diagonal, as with the scalar harmonic, its zeros are left out.

// out += M W x, or its derivative along the tangents: M (W x' + W' x) + M' W x.
template <class T, int D1, int D3, int n, bool tangent, bool diagonal>
void at_center(const PathStep<T>& step, const EdgeTile<T>& edges) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    const std::int64_t d1 = D1 ? D1 : step.d1, d3 = D1 ? D3 : step.d3;
    Components<V, D3, n> sum(step.sum + step.at_out, step.vectors_out);
    for (int edge = 0; edge < edges.n; ++edge) {
        const auto [w, w_tangent] = Weights<T, n, tangent>(step, edges, edge);
#pragma GCC unroll 8
        for (std::int64_t m1 = 0; m1 < d1; ++m1) {
            const V* const x = edges.x[edge] + step.at_x + m1 * step.vectors_x;
            V wx[n], wx_tangent[n]{};
            for (int v = 0; v < n; ++v) wx[v] = w.v[v] * x[v];
            if (tangent) {
                const V* const x_tangent = edges.x_tangent[edge] + step.at_x + m1 * step.vectors_x;
                for (int v = 0; v < n; ++v) wx_tangent[v] = w.v[v] * x_tangent[v] + w_tangent.v[v] * x[v];
            }
#pragma GCC unroll 8
            for (std::int64_t m3 = diagonal ? m1 : 0; m3 < (diagonal ? m1 + 1 : d3); ++m3) {
                const std::int64_t k = (m3 * d1 + m1) * lanes + edge;
                V* const to = sum[m3];
                for (int v = 0; v < n; ++v)
                    to[v] += tangent ? wx_tangent[v] * step.m[k] + wx[v] * step.m_tangent[k] : wx[v] * step.m[k];
            }
        }
    }
    sum.store();
}

// dS/dY of a group of edges; where there are fewer, the rest is written in vain.
template <class T>
inline void add_to_harmonics(const PathStep<T>& step, typename simd<T>::type* d_harmonics) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes, group = edges_of_group<T>;
    const auto& [runs, runs_end, terms] = step.to_harmonics;
    for (const auto* run = runs; run < runs_end; ++run) {
        V* const to = d_harmonics + run->to * lanes;
        V sums[group];
        for (int edge = 0; edge < group; ++edge) sums[edge] = to[edge];
        for (const auto* term = terms + run->first; term < terms + run->end; ++term) {
            const V* const from = step.d_matrix + term->from * group;
            for (int edge = 0; edge < group; ++edge) sums[edge] += from[edge] * term->coefficient;
        }
        for (int edge = 0; edge < group; ++edge) to[edge] = sums[edge];
    }
}

// Derivatives of S: dx += W h, dW = x h with h = M^T g, and dM = g W x. With tangents t, those of <t, dS>:
// dx += W h' + W' h, dW = x' h + x h' and dM = g (W x' + W' x), with h' = M'^T g.
template <class T, int D1, int D3, int n, bool tangent, bool diagonal>
void at_neighbor(const PathStep<T>& step, const EdgeTile<T>& edges) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes, group = edges_of_group<T>;
    const std::int64_t d1 = D1 ? D1 : step.d1, d3 = D1 ? D3 : step.d3;
    Components<V, D1, n> sum(step.sum + step.at_x, step.vectors_x);
    for (int edge = 0; edge < edges.n; ++edge) {
        const auto [w, w_tangent] = Weights<T, n, tangent>(step, edges, edge);
        Vectors<T, n> d_weights{};
        Components<const V, D3, n> g(edges.g[edge] + step.at_out, step.vectors_out);
#pragma GCC unroll 8
        for (std::int64_t m1 = 0; m1 < d1; ++m1) {
            const V* const x = edges.x[edge] + step.at_x + m1 * step.vectors_x;
            const V* const x_tangent = edges.x_tangent[edge] + step.at_x + m1 * step.vectors_x;
            V h[n]{}, h_tangent[n]{}, wx[n];
            for (int v = 0; v < n; ++v)
                wx[v] = tangent ? w.v[v] * x_tangent[v] + w_tangent.v[v] * x[v] : w.v[v] * x[v];
#pragma GCC unroll 8
            for (std::int64_t m3 = diagonal ? m1 : 0; m3 < (diagonal ? m1 + 1 : d3); ++m3) {
                const std::int64_t k = m3 * d1 + m1;
                V d_matrix{};
                for (int v = 0; v < n; ++v) {
                    const V g_here = g[m3][v];
                    h[v] += g_here * step.m[k * lanes + edge];
                    if (tangent) h_tangent[v] += g_here * step.m_tangent[k * lanes + edge];
                    d_matrix += g_here * wx[v];
                }
                step.d_matrix[k * group + edge % group] = d_matrix;
            }
            V* const to = sum[m1];
            for (int v = 0; v < n; ++v) {
                to[v] += tangent ? w.v[v] * h_tangent[v] + w_tangent.v[v] * h[v] : w.v[v] * h[v];
                d_weights.v[v] += tangent ? x_tangent[v] * h[v] + x[v] * h_tangent[v] : x[v] * h[v];
            }
        }
        d_weights.store(edges.d_weights[edge] + step.at_weights, step.past_caches);
        if (edge % group == group - 1 || edge == edges.n - 1)
            add_to_harmonics(step, edges.d_harmonics + edge / group * group);
    }
    sum.store();
}

template <class T>
using PathFunction = void (*)(const PathStep<T>&, const EdgeTile<T>&);

// The four kinds of sweep; the number of vectors is 1 or 2.
template <class T, int D1, int D3, int n, bool diagonal>
PathFunction<T> path_function(bool of_neighbors, bool tangent) {
    if (of_neighbors)
        return tangent ? at_neighbor<T, D1, D3, n, true, diagonal> : at_neighbor<T, D1, D3, n, false, diagonal>;
    return tangent ? at_center<T, D1, D3, n, true, diagonal> : at_center<T, D1, D3, n, false, diagonal>;
}

template <class T, int D1, int n>
PathFunction<T> path_function(std::int64_t d3, bool diagonal, bool of_neighbors, bool tangent) {
    if (diagonal) return path_function<T, D1, D1, n, true>(of_neighbors, tangent);
    switch (d3) {
        case 1: return path_function<T, D1, 1, n, false>(of_neighbors, tangent);
        case 3: return path_function<T, D1, 3, n, false>(of_neighbors, tangent);
        case 5: return path_function<T, D1, 5, n, false>(of_neighbors, tangent);
        case 7: return path_function<T, D1, 7, n, false>(of_neighbors, tangent);
        default: return path_function<T, 0, 0, n, false>(of_neighbors, tangent);
    }
}

template <class T, int n>
PathFunction<T> path_function(std::int64_t d1, std::int64_t d3, bool diagonal, bool of_neighbors, bool tangent) {
    switch (d1) {
        case 1: return path_function<T, 1, n>(d3, diagonal, of_neighbors, tangent);
        case 3: return path_function<T, 3, n>(d3, diagonal, of_neighbors, tangent);
        case 5: return path_function<T, 5, n>(d3, diagonal, of_neighbors, tangent);
        case 7: return path_function<T, 7, n>(d3, diagonal, of_neighbors, tangent);
        default:
            return diagonal ? path_function<T, 0, 0, n, true>(of_neighbors, tangent)
                            : path_function<T, 0, 0, n, false>(of_neighbors, tangent);
    }
}

}  // namespace
