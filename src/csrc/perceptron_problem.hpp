// One call of perceptron: packs the weights and runs the kernel on all rows.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "perceptron.hpp"
#include "workspace.hpp"

namespace anisoap {

// Arguments and results as in memory; those that a sweep does not have are null.
template <class T>
struct PerceptronArrays {
    const T *x, *tangent, *g, *weights;
    T *out, *d_x, *d_g, *d_weights;
};

template <class T>
class PerceptronProblem {
  public:
    // Weights are matrices [widths[k], widths[k + 1]], one after the other.
    PerceptronProblem(const PerceptronFunctions<T>& functions, const std::int64_t* widths, std::int64_t n_widths,
                      std::int64_t n_rows, int threads)
        : functions_(functions), widths_(widths), n_layers_(n_widths - 1), n_rows_(n_rows), threads_(threads) {
        require(n_widths > 1, "a perceptron has a layer");
        for (std::int64_t k = 0; k < n_widths; ++k)
            require(widths[k] > 0 && widths[k] < most_numbers, "widths are positive");
        require(threads > 0, "threads is too small");
        for (std::int64_t k = 0; k < n_layers_; ++k) {
            n_weights_ += widths[k] * widths[k + 1];
            n_packed_ += widths[k] * padded(widths[k + 1]);
            n_transposed_ += widths[k + 1] * padded(widths[k]);
            require(n_weights_ < most_numbers, "a perceptron has fewer weights");
        }
    }

    std::int64_t n_weights() const { return n_weights_; }

    void run(const PerceptronArrays<T>& arrays) const {
        const Workspace weights(n_packed_ * sizeof(T)), transposed(n_transposed_ * sizeof(T));
        pack(arrays.weights, static_cast<T*>(weights.memory), static_cast<T*>(transposed.memory));
        const PerceptronJob<T> job{n_layers_, widths_,    weights.memory, transposed.memory, arrays.x,
                                   arrays.tangent, arrays.g, arrays.out, arrays.d_x, arrays.d_g, nullptr};
        if (arrays.out) prefer_huge_pages(arrays.out, n_rows_ * widths_[n_layers_] * sizeof(T));
        if (arrays.d_g) prefer_huge_pages(arrays.d_g, n_rows_ * widths_[n_layers_] * sizeof(T));
        if (!arrays.d_weights) {
            const std::int64_t chunk = 4 * functions_.tile;
            in_chunks(job, chunk, [](std::int64_t) -> void* { return nullptr; });
            return;
        }
        // chunks and the order of their sums do not depend on the number of threads
        const std::int64_t tile = functions_.tile, tiles = (n_rows_ + tile - 1) / tile;
        const std::int64_t chunk = std::max(least_tiles, (tiles + most_sums - 1) / most_sums) * tile;
        const std::int64_t n_sums = (n_rows_ + chunk - 1) / chunk;
        const Workspace sums(n_sums * n_packed_ * sizeof(T));
        T* const numbers = static_cast<T*>(sums.memory);
        in_chunks(job, chunk, [&](std::int64_t k) -> void* {
            T* const of_chunk = numbers + k * n_packed_;
            std::memset(of_chunk, 0, n_packed_ * sizeof(T));
            return of_chunk;
        });
        std::fill_n(arrays.d_weights, n_weights_, T(0));
        for (std::int64_t k = 0; k < n_sums; ++k) add_unpacked(numbers + k * n_packed_, arrays.d_weights);
    }

  private:
    static constexpr std::int64_t most_numbers = std::int64_t(1) << 31, least_tiles = 8, most_sums = 32;
    PerceptronFunctions<T> functions_;
    const std::int64_t* widths_;
    std::int64_t n_layers_, n_rows_;
    int threads_;
    std::int64_t n_weights_ = 0, n_packed_ = 0, n_transposed_ = 0;

    std::int64_t padded(std::int64_t width) const {
        return (width + functions_.lanes - 1) / functions_.lanes * functions_.lanes;
    }

    void pack(const T* weights, T* packed, T* transposed) const {
        std::fill_n(packed, n_packed_, T(0));
        std::fill_n(transposed, n_transposed_, T(0));
        for (std::int64_t k = 0; k < n_layers_; ++k) {
            const std::int64_t n_in = widths_[k], n_out = widths_[k + 1], row = padded(n_out), column = padded(n_in);
            for (std::int64_t i = 0; i < n_in; ++i)
                for (std::int64_t j = 0; j < n_out; ++j)
                    packed[i * row + j] = transposed[j * column + i] = weights[i * n_out + j];
            weights += n_in * n_out, packed += n_in * row, transposed += n_out * column;
        }
    }

    void add_unpacked(const T* packed, T* weights) const {
        for (std::int64_t k = 0; k < n_layers_; ++k) {
            const std::int64_t n_out = widths_[k + 1], row = padded(n_out);
            for (std::int64_t i = 0; i < widths_[k]; ++i, packed += row, weights += n_out)
                for (std::int64_t j = 0; j < n_out; ++j) weights[j] += packed[j];
        }
    }

    // Runs the kernel on chunks of rows, with the memory for derivatives of weights that of_chunk(k) gives.
    template <class OfChunk>
    void in_chunks(const PerceptronJob<T>& job, std::int64_t chunk, const OfChunk& of_chunk) const {
        const std::int64_t n_chunks = (n_rows_ + chunk - 1) / chunk;
#pragma omp parallel num_threads(n_chunks > 1 ? threads_ : 1)
        {
            const Workspace workspace(functions_.workspace_bytes(job));
#pragma omp for schedule(dynamic)
            for (std::int64_t k = 0; k < n_chunks; ++k) {
                PerceptronJob<T> of_these = job;
                of_these.d_weights = of_chunk(k);
                functions_.sweep(of_these, k * chunk, std::min((k + 1) * chunk, n_rows_), workspace.memory);
            }
        }
    }
};

}  // namespace anisoap
