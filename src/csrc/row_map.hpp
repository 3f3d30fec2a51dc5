// The work of one call of row_map, and the functions that each instruction set compiles for it.
//
// Rows y = x B with a constant matrix B whose entries fill few blocks, each on some numbers of a row of x and of y.
#pragma once

#include <cstdint>

namespace anisoap {

struct MapBlock {
    std::int64_t n_from, n_to;  // rows and columns of its matrix
    std::int64_t from, to;      // its first entry in the list of positions in x, and in y
    std::int64_t matrix;        // its first number among those of the matrices
};

constexpr std::int64_t map_memory = 64;  // bytes of workspace for each row of the largest matrix: one vector

template <class T>
struct RowMapJob {
    const T* x;
    T* y;
    std::int64_t dim_in, dim_out, n_blocks;
    const MapBlock* blocks;
    const std::int64_t* positions;
    const T* matrices;
    bool in_lanes;  // whether the rows of x are columns: [dim_in, lanes]
    bool fills;     // whether the blocks write all of y; else there are zeros where they do not
};

// Returns whether all numbers of the rows of y are finite.
template <class T>
using RowsFunction = bool (*)(const RowMapJob<T>&, std::int64_t first_row, std::int64_t end_row, void* workspace);

struct RowMapKernels {
    RowsFunction<double> f64;
    RowsFunction<float> f32;
    int lanes_f64, lanes_f32;
};

}  // namespace anisoap
