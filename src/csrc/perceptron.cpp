// The kernels of multilayer perceptrons; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "perceptron.hpp"

#include <algorithm>

#include "simd.hpp"

namespace {

using anisoap::PerceptronJob;

// Sums of a block of a product stay in registers: so many rows, of so many vectors.
constexpr int block_rows = 6;
constexpr int block_vectors = vector_bytes == 64 ? 4 : 2;
constexpr std::int64_t tile_rows = 8 * block_rows;

// Numbers a[i * row + p * step] of a matrix, so that it can be read as its transpose.
template <class T>
struct Strided {
    const T* numbers;
    std::int64_t row, step;
};

// c [M, N vectors] = a b, or added to it, with b [n_steps, pitch vectors].
template <class T, int M, int N>
inline void multiply_block(const Strided<T>& a, std::int64_t n_steps, const typename simd<T>::type* __restrict b,
                           std::int64_t pitch_b, typename simd<T>::type* __restrict c, std::int64_t pitch_c,
                           bool adds) {
    using V = typename simd<T>::type;
    V sums[M][N]{};
    if (adds)
        for (int i = 0; i < M; ++i)
            for (int j = 0; j < N; ++j) sums[i][j] = c[i * pitch_c + j];
    const T* numbers = a.numbers;
    for (std::int64_t p = 0; p < n_steps; ++p, numbers += a.step, b += pitch_b)
        for (int i = 0; i < M; ++i) {
            const V number = V{} + numbers[i * a.row];
            for (int j = 0; j < N; ++j) sums[i][j] += number * b[j];
        }
    for (int i = 0; i < M; ++i)
        for (int j = 0; j < N; ++j) c[i * pitch_c + j] = sums[i][j];
}

template <class T, int N, int M = block_rows>
inline void multiply_rows(const Strided<T>& a, std::int64_t n_rows, std::int64_t n_steps,
                          const typename simd<T>::type* b, std::int64_t pitch_b, typename simd<T>::type* c,
                          std::int64_t pitch_c, bool adds) {
    std::int64_t i = 0;
    for (; i + M <= n_rows; i += M)
        multiply_block<T, M, N>({a.numbers + i * a.row, a.row, a.step}, n_steps, b, pitch_b, c + i * pitch_c, pitch_c,
                                adds);
    if constexpr (M > 1)
        if (i < n_rows)
            multiply_rows<T, N, M - 1>({a.numbers + i * a.row, a.row, a.step}, n_rows - i, n_steps, b, pitch_b,
                                       c + i * pitch_c, pitch_c, adds);
}

// c [n_rows, n_vectors] = a b, or added to it. Rows of b and c have n_vectors.
template <class T, int N = block_vectors>
inline void multiply(const Strided<T>& a, std::int64_t n_rows, std::int64_t n_steps, const typename simd<T>::type* b,
                     typename simd<T>::type* c, std::int64_t n_vectors, bool adds, std::int64_t first = 0) {
    for (; first + N <= n_vectors; first += N)
        multiply_rows<T, N>(a, n_rows, n_steps, b + first, n_vectors, c + first, n_vectors, adds);
    if constexpr (N > 1)
        if (first < n_vectors) multiply<T, N - 1>(a, n_rows, n_steps, b, c, n_vectors, adds, first);
}

template <class T>
class Perceptron {
    using V = typename simd<T>::type;
    static constexpr std::int64_t lanes = simd<T>::lanes;

    // Arrays of a tile for the numbers between two layers, [row, vector].
    struct Layer {
        std::int64_t width, vectors;
        V *a, *slope, *z_tangent, *curvature, *tangent;  // a = silu(z), silu'(z), dz, silu''(z), da
        V *delta, *epsilon;                              // derivatives with respect to dz, and to z
    };

  public:
    // Takes its arrays from the workspace, or counts them where that is null.
    Perceptron(const PerceptronJob<T>& job, void* workspace) : job_(job), next_(static_cast<V*>(workspace)) {
        layers_ = reinterpret_cast<Layer*>(next_);
        take((job.n_layers + 1) * sizeof(Layer) / vector_bytes + 1);
        const bool twice = job.tangent != nullptr;
        for (std::int64_t k = 0; k <= job.n_layers; ++k) {
            const std::int64_t width = job.widths[k], n = vectors_of(width) * tile_rows;
            const bool hidden = k > 0 && k < job.n_layers;
            Layer layer{width, vectors_of(width), take(n), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
            if (hidden) layer.slope = take(n);
            if (job.g) layer.delta = take(n);
            if (twice) {
                layer.tangent = take(n), layer.epsilon = take(n);
                if (hidden) layer.z_tangent = take(n), layer.curvature = take(n);
            }
            if (workspace) layers_[k] = layer;
        }
    }

    static std::size_t workspace_bytes(const PerceptronJob<T>& job) {
        return Perceptron(job, nullptr).n_taken_ * vector_bytes;
    }

    void rows(std::int64_t first, std::int64_t n) {
        const bool twice = job_.tangent != nullptr;
        n_ = n, n_padded_ = (n + block_rows - 1) / block_rows * block_rows;
        const std::int64_t last = job_.n_layers;
        load(job_.x, first, layers_[0], layers_[0].a);
        if (twice) load(job_.tangent, first, layers_[0], layers_[0].tangent);
        const V* weights = static_cast<const V*>(job_.weights);
        for (std::int64_t k = 1; k <= last; ++k) {
            const Layer &before = layers_[k - 1], &layer = layers_[k];
            if (k < last || !job_.g) forward(before, before.a, weights, layer, layer.a);
            if (twice) forward(before, before.tangent, weights, layer, k < last ? layer.z_tangent : layer.tangent);
            if (k < last) activate(layer);
            weights += before.width * layer.vectors;
        }
        const Layer& output = layers_[last];
        if (!job_.g) return store(output.a, output, first, job_.out);
        if (twice) store(output.tangent, output, first, job_.d_g);
        load(job_.g, first, output, output.delta);
        reverse();
        const Layer& input = layers_[0];
        if (!twice) return store(input.delta, input, first, job_.d_x);
        if (last == 1) std::fill_n(input.epsilon, n_padded_ * input.vectors, V{});  // out is linear in x
        store(input.epsilon, input, first, job_.d_x);
    }

  private:
    const PerceptronJob<T> job_;
    V* next_;
    Layer* layers_;
    std::int64_t n_taken_ = 0, n_ = 0, n_padded_ = 0;

    static std::int64_t vectors_of(std::int64_t width) { return (width + lanes - 1) / lanes; }

    V* take(std::int64_t n) {
        n_taken_ += n;
        return next_ ? (next_ += n) - n : nullptr;
    }

    void load(const T* rows, std::int64_t first, const Layer& layer, V* to) const {
        std::fill_n(to, n_padded_ * layer.vectors, V{});
        for (std::int64_t i = 0; i < n_; ++i)
            std::memcpy(to + i * layer.vectors, rows + (first + i) * layer.width, layer.width * sizeof(T));
    }

    void store(const V* from, const Layer& layer, std::int64_t first, T* rows) const {
        for (std::int64_t i = 0; i < n_; ++i)
            std::memcpy(rows + (first + i) * layer.width, from + i * layer.vectors, layer.width * sizeof(T));
    }

    static Strided<T> in_rows(const V* numbers, const Layer& layer) {
        return {reinterpret_cast<const T*>(numbers), layer.vectors * lanes, 1};
    }

    static Strided<T> in_columns(const V* numbers, const Layer& layer) {
        return {reinterpret_cast<const T*>(numbers), 1, layer.vectors * lanes};
    }

    void forward(const Layer& before, const V* from, const V* weights, const Layer& layer, V* to) const {
        multiply<T>(in_rows(from, before), n_padded_, before.width, weights, to, layer.vectors, false);
    }

    // From z in `a` to silu and its derivatives.
    void activate(const Layer& layer) const {
        for (std::int64_t i = 0; i < n_padded_ * layer.vectors; ++i) {
            const V z = layer.a[i], sigma = T(1) / (T(1) + exponential<T>(-z)), a = z * sigma, rest = T(1) - sigma;
            layer.a[i] = a;
            layer.slope[i] = sigma + a * rest;
            if (!job_.tangent) continue;
            layer.tangent[i] = layer.slope[i] * layer.z_tangent[i];
            layer.curvature[i] = sigma * rest * (T(2) + z * (rest - sigma));
        }
    }

    // From the derivatives at the output to those at the input, and of the weights.
    void reverse() {
        const bool twice = job_.tangent != nullptr;
        const V* transposed = static_cast<const V*>(job_.transposed) + vectors_of_all(true);
        V* d_weights = static_cast<V*>(job_.d_weights) + (job_.d_weights ? vectors_of_all(false) : 0);
        for (std::int64_t k = job_.n_layers; k > 0; --k) {
            const Layer &before = layers_[k - 1], &layer = layers_[k];
            const bool curved = twice && k < job_.n_layers;  // else epsilon is zero
            transposed -= layer.width * before.vectors;
            if (job_.d_weights) {
                d_weights -= before.width * layer.vectors;
                add_products(before, twice ? before.tangent : before.a, layer, layer.delta, d_weights);
                if (curved) add_products(before, before.a, layer, layer.epsilon, d_weights);
            }
            if (k > 1 || !twice) backward(layer, layer.delta, transposed, before, before.delta);
            if (curved) backward(layer, layer.epsilon, transposed, before, before.epsilon);
            if (k > 1) descend(before, curved);
        }
    }

    void backward(const Layer& layer, const V* from, const V* transposed, const Layer& before, V* to) const {
        multiply<T>(in_rows(from, layer), n_padded_, layer.width, transposed, to, before.vectors, false);
    }

    void add_products(const Layer& before, const V* of_inputs, const Layer& layer, const V* of_outputs, V* sums) const {
        multiply<T>(in_columns(of_inputs, before), before.width, n_, of_outputs, sums, layer.vectors, true);
    }

    // Through the activation.
    void descend(const Layer& layer, bool curved) const {
        for (std::int64_t i = 0; i < n_padded_ * layer.vectors; ++i) {
            const V d = layer.delta[i];
            layer.delta[i] = d * layer.slope[i];
            if (!job_.tangent) continue;
            const V bent = d * layer.curvature[i] * layer.z_tangent[i];
            layer.epsilon[i] = curved ? layer.epsilon[i] * layer.slope[i] + bent : bent;
        }
    }

    std::int64_t vectors_of_all(bool transposed) const {
        std::int64_t n = 0;
        for (std::int64_t k = 1; k <= job_.n_layers; ++k) {
            const Layer &before = layers_[k - 1], &layer = layers_[k];
            n += transposed ? layer.width * before.vectors : before.width * layer.vectors;
        }
        return n;
    }
};

template <class T>
void sweep(const PerceptronJob<T>& job, std::int64_t first, std::int64_t end, void* workspace) {
    Perceptron<T> perceptron(job, workspace);
    for (; first < end; first += tile_rows) perceptron.rows(first, std::min(tile_rows, end - first));
}

}  // namespace

namespace anisoap {
extern const PerceptronKernels IN_THIS_SET(perceptron_);
const PerceptronKernels IN_THIS_SET(perceptron_) = {
    {simd<double>::lanes, tile_rows, sweep<double>, Perceptron<double>::workspace_bytes},
    {simd<float>::lanes, tile_rows, sweep<float>, Perceptron<float>::workspace_bytes}};
}  // namespace anisoap
