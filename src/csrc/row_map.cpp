// The kernel of row_map; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "row_map.hpp"

#include <algorithm>

#include "simd.hpp"

namespace {

using anisoap::MapBlock;
using anisoap::RowMapJob;

constexpr int most_columns = 8;  // whose sums stay in registers

// Some rows of x and y, one in each lane. Lanes beyond the last row repeat it.
template <class T>
struct Rows {
    static constexpr int lanes = simd<T>::lanes;
    const T* x[lanes];
    T* y[lanes];
    typename simd<T>::type zeros{};  // sum of y times zero

    Rows(const RowMapJob<T>& job, std::int64_t first, std::int64_t end) {
        for (int lane = 0; lane < lanes; ++lane) {
            const std::int64_t row = std::min(first + lane, end - 1);
            x[lane] = job.in_lanes ? job.x : job.x + row * job.dim_in;
            y[lane] = job.y + row * job.dim_out;
        }
    }
};

// The sums of `n` columns of a block from `first` on.
template <class T, int n>
void multiply(const RowMapJob<T>& job, const MapBlock& block, std::int64_t first,
              const typename simd<T>::type* x, Rows<T>& rows) {
    using V = typename simd<T>::type;
    const T* matrix = job.matrices + block.matrix + first;
    V sums[n]{};
    for (std::int64_t i = 0; i < block.n_from; ++i, matrix += block.n_to)
        for (int j = 0; j < n; ++j) sums[j] += x[i] * matrix[j];
    const std::int64_t* to = job.positions + block.to + first;
    for (int j = 0; j < n; ++j) {
        rows.zeros += sums[j] * T(0);
        for (int lane = 0; lane < Rows<T>::lanes; ++lane) rows.y[lane][to[j]] = sums[j][lane];
    }
}

template <class T, int n = most_columns>
void multiply_last(const RowMapJob<T>& job, const MapBlock& block, std::int64_t first,
                   const typename simd<T>::type* x, Rows<T>& rows) {
    if constexpr (n > 0) {
        if (block.n_to - first == n)
            multiply<T, n>(job, block, first, x, rows);
        else
            multiply_last<T, n - 1>(job, block, first, x, rows);
    }
}

template <class T>
void map_block(const RowMapJob<T>& job, const MapBlock& block, typename simd<T>::type* x, Rows<T>& rows) {
    constexpr auto every_lane = std::make_index_sequence<Rows<T>::lanes>{};
    const std::int64_t* from = job.positions + block.from;
    if (job.in_lanes)
        for (std::int64_t i = 0; i < block.n_from; ++i)
            std::memcpy(&x[i], job.x + from[i] * Rows<T>::lanes, sizeof x[i]);
    else
        for (std::int64_t i = 0; i < block.n_from; ++i) x[i] = column<T>(rows.x, int(from[i]), every_lane);
    std::int64_t first = 0;
    for (; first + most_columns < block.n_to; first += most_columns)
        multiply<T, most_columns>(job, block, first, x, rows);
    multiply_last(job, block, first, x, rows);
}

template <class T>
bool map_rows(const RowMapJob<T>& job, std::int64_t first, std::int64_t end, void* memory) {
    if (!job.fills) std::memset(job.y + first * job.dim_out, 0, sizeof(T) * (end - first) * job.dim_out);
    auto* const x = static_cast<typename simd<T>::type*>(memory);
    T zero = 0;
    for (; first < end; first += Rows<T>::lanes) {
        Rows<T> rows(job, first, end);
        for (std::int64_t k = 0; k < job.n_blocks; ++k) map_block(job, job.blocks[k], x, rows);
        zero += sum_of_lanes<T>(rows.zeros);
    }
    return zero == 0;  // not NaN
}

}  // namespace

namespace anisoap {
extern const RowMapKernels IN_THIS_SET(row_map_);
const RowMapKernels IN_THIS_SET(row_map_) = {map_rows<double>, map_rows<float>, simd<double>::lanes,
                                                        simd<float>::lanes};
}  // namespace anisoap
