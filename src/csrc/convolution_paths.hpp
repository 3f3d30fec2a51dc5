// The innermost loops of convolutions: one path of one edge, for a few vectors of channels.
//
// Numbers of components are known to the compiler where they are small, so that it unrolls the loops and keeps
// their numbers in registers.
#pragma once

#include "simd.hpp"

namespace {

// M of one edge: its entries lie as many numbers apart as a vector has lanes.
template <class T>
struct EdgeMatrix {
    const T* numbers;
    T operator[](std::int64_t k) const { return numbers[k * simd<T>::lanes]; }
};

template <class T>
struct PathStep {
    using V = typename simd<T>::type;
    std::int64_t d1, d3, vectors_x, vectors_out;
    int n_channels;               // of the vectors, not all of which may be in use
    EdgeMatrix<T> m, m_tangent;   // [m3, m1]
    const V *x, *x_tangent, *g;   // [component, vector]
    const T *w, *w_tangent;
    V* sum;                       // of out or of dS/dx
    T* d_weights;
    V* d_matrix;                  // [m3, m1], summed over vectors, not over lanes
    bool is_first;                // of the vectors that are summed to d_matrix
};

template <class T, int n>
struct Vectors {
    using V = typename simd<T>::type;
    V v[n];
    static Vectors load(const T* from, int n_channels) {
        Vectors all{};
        if (n_channels == n * simd<T>::lanes)
            std::memcpy(all.v, from, sizeof all.v);
        else
            std::memcpy(all.v, from, sizeof(T) * n_channels);
        return all;
    }
    void store(T* to, int n_channels) const {
        if (n_channels == n * simd<T>::lanes)
            std::memcpy(to, v, sizeof v);
        else
            std::memcpy(to, v, sizeof(T) * n_channels);
    }
};

// out += W M x, or its derivative along the tangents: W (M x' + M' x) + W' M x.
template <class T, int D1, int D3, int n, bool tangent>
void at_center(const PathStep<T>& step) {
    using V = typename simd<T>::type;
    const std::int64_t d1 = D1 ? D1 : step.d1, d3 = D1 ? D3 : step.d3;
    const auto w = Vectors<T, n>::load(step.w, step.n_channels);
    Vectors<T, n> w_tangent{};
    if (tangent) w_tangent = Vectors<T, n>::load(step.w_tangent, step.n_channels);
    for (std::int64_t m3 = 0; m3 < d3; ++m3) {
        V sum[n]{}, sum_tangent[n]{};
        for (std::int64_t m1 = 0; m1 < d1; ++m1) {
            const T m = step.m[m3 * d1 + m1];
            const V* x = step.x + m1 * step.vectors_x;
            for (int v = 0; v < n; ++v) sum[v] += x[v] * m;
            if (!tangent) continue;
            const T m_tangent = step.m_tangent[m3 * d1 + m1];
            const V* x_tangent = step.x_tangent + m1 * step.vectors_x;
            for (int v = 0; v < n; ++v) sum_tangent[v] += x_tangent[v] * m + x[v] * m_tangent;
        }
        V* const to = step.sum + m3 * step.vectors_out;
        for (int v = 0; v < n; ++v)
            to[v] += tangent ? w.v[v] * sum_tangent[v] + w_tangent.v[v] * sum[v] : w.v[v] * sum[v];
    }
}

// Derivatives of S: dx += W h, dW = x h with h = M^T g, and dM = (W g) x. With tangents t, those of <t, dS>:
// dx += W h' + W' h, dW = x' h + x h' and dM = (W g) x' + (W' g) x.
template <class T, int D1, int D3, int n, bool tangent>
void at_neighbor(const PathStep<T>& step) {
    using V = typename simd<T>::type;
    const std::int64_t d1 = D1 ? D1 : step.d1, d3 = D1 ? D3 : step.d3;
    const auto w = Vectors<T, n>::load(step.w, step.n_channels);
    Vectors<T, n> w_tangent{}, d_weights{};
    if (tangent) w_tangent = Vectors<T, n>::load(step.w_tangent, step.n_channels);
    for (std::int64_t m1 = 0; m1 < d1; ++m1) {
        const V* x = step.x + m1 * step.vectors_x;
        const V* x_tangent = tangent ? step.x_tangent + m1 * step.vectors_x : nullptr;
        V h[n]{}, h_tangent[n]{};
        V wx[n], wx_tangent[n]{};  // what g is multiplied with in dM
        for (int v = 0; v < n; ++v)
            wx[v] = tangent ? w.v[v] * x_tangent[v] + w_tangent.v[v] * x[v] : w.v[v] * x[v];
        for (std::int64_t m3 = 0; m3 < d3; ++m3) {
            const V* g = step.g + m3 * step.vectors_out;
            const std::int64_t k = m3 * d1 + m1;
            const T m = step.m[k], m_tangent = tangent ? step.m_tangent[k] : T(0);
            V d_matrix = step.is_first ? V{} : step.d_matrix[k];
            for (int v = 0; v < n; ++v) {
                h[v] += g[v] * m;
                if (tangent) h_tangent[v] += g[v] * m_tangent;
                d_matrix += g[v] * wx[v];
            }
            step.d_matrix[k] = d_matrix;
        }
        V* const to = step.sum + m1 * step.vectors_x;
        for (int v = 0; v < n; ++v) {
            to[v] += tangent ? w.v[v] * h_tangent[v] + w_tangent.v[v] * h[v] : w.v[v] * h[v];
            d_weights.v[v] += tangent ? x_tangent[v] * h[v] + x[v] * h_tangent[v] : x[v] * h[v];
        }
    }
    d_weights.store(step.d_weights, step.n_channels);
}

template <class T>
using PathFunction = void (*)(const PathStep<T>&);

// The four kinds of sweep; the number of vectors is 1 or 2.
template <class T, int D1, int D3, int n>
PathFunction<T> path_function(bool of_neighbors, bool tangent) {
    if (of_neighbors) return tangent ? at_neighbor<T, D1, D3, n, true> : at_neighbor<T, D1, D3, n, false>;
    return tangent ? at_center<T, D1, D3, n, true> : at_center<T, D1, D3, n, false>;
}

template <class T, int D1, int n>
PathFunction<T> path_function(std::int64_t d3, bool of_neighbors, bool tangent) {
    switch (d3) {
        case 1: return path_function<T, D1, 1, n>(of_neighbors, tangent);
        case 3: return path_function<T, D1, 3, n>(of_neighbors, tangent);
        case 5: return path_function<T, D1, 5, n>(of_neighbors, tangent);
        case 7: return path_function<T, D1, 7, n>(of_neighbors, tangent);
        default: return path_function<T, 0, 0, n>(of_neighbors, tangent);
    }
}

template <class T, int n>
PathFunction<T> path_function(std::int64_t d1, std::int64_t d3, bool of_neighbors, bool tangent) {
    switch (d1) {
        case 1: return path_function<T, 1, n>(d3, of_neighbors, tangent);
        case 3: return path_function<T, 3, n>(d3, of_neighbors, tangent);
        case 5: return path_function<T, 5, n>(d3, of_neighbors, tangent);
        case 7: return path_function<T, 7, n>(d3, of_neighbors, tangent);
        default: return path_function<T, 0, 0, n>(of_neighbors, tangent);
    }
}

}  // namespace
