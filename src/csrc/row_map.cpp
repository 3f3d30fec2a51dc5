// The kernel of row_map; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "row_map.hpp"

#include "simd.hpp"

namespace {

using anisoap::MapBlock;
using anisoap::RowMapJob;

// Some rows at a time share what is read of the matrix; their sums stay in registers.
constexpr int most_rows = 4, most_vectors = 3;

template <class T, int rows, int n>
void multiply(const RowMapJob<T>& job, const MapBlock& block, std::int64_t row, std::int64_t first_column) {
    using V = typename simd<T>::type;
    constexpr int lanes = simd<T>::lanes;
    const std::int64_t *from = job.positions + block.from, *to = job.positions + block.to + first_column;
    const T *x = job.x + row * job.dim_in, *matrix = job.matrices + block.matrix + first_column;
    V sums[rows][n]{};
    for (std::int64_t i = 0; i < block.n_from; ++i, matrix += block.pitch) {
        V m[n];
        std::memcpy(m, matrix, sizeof m);
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < n; ++v) sums[r][v] += x[r * job.dim_in + from[i]] * m[v];
    }
    const std::int64_t left = block.n_to - first_column, n_numbers = left < n * lanes ? left : n * lanes;
    for (int r = 0; r < rows; ++r) {
        T numbers[n * lanes];
        std::memcpy(numbers, sums[r], sizeof numbers);
        T* const y = job.y + (row + r) * job.dim_out;
        for (std::int64_t j = 0; j < n_numbers; ++j) y[to[j]] = numbers[j];
    }
}

template <class T, int rows>
void map_some(const RowMapJob<T>& job, std::int64_t row) {
    constexpr int lanes = simd<T>::lanes;
    for (const MapBlock* block = job.blocks; block < job.blocks + job.n_blocks; ++block)
        for (std::int64_t column = 0; column < block->n_to; column += most_vectors * lanes) {
            const std::int64_t left = block->n_to - column;
            if (left > 2 * lanes)
                multiply<T, rows, 3>(job, *block, row, column);
            else if (left > lanes)
                multiply<T, rows, 2>(job, *block, row, column);
            else
                multiply<T, rows, 1>(job, *block, row, column);
        }
}

// All blocks for some rows at a time, which the first cache holds with the matrices.
template <class T>
void map_rows(const RowMapJob<T>& job, std::int64_t first, std::int64_t end) {
    if (!job.fills) std::memset(job.y + first * job.dim_out, 0, sizeof(T) * (end - first) * job.dim_out);
    for (; first + most_rows <= end; first += most_rows) map_some<T, most_rows>(job, first);
    for (; first < end; ++first) map_some<T, 1>(job, first);
}

}  // namespace

namespace anisoap {
extern const RowMapKernels IN_THIS_SET(row_map_);
const RowMapKernels IN_THIS_SET(row_map_) = {map_rows<double>, map_rows<float>};
}  // namespace anisoap
