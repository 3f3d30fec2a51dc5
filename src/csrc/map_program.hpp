// The program of a row_map, checked.
#pragma once

#include <algorithm>

#include "bindings.hpp"
#include "row_map.hpp"
#include "workspace.hpp"

namespace anisoap {

template <class T>
struct MapProgram {
    RowMapJob<T> job;  // without rows
    std::size_t workspace_bytes;

    MapProgram(Array<const T, -1> matrices, Indices program, std::int64_t dim_in, std::int64_t dim_out) : job{} {
        constexpr std::int64_t numbers_of_block = sizeof(MapBlock) / sizeof(std::int64_t);
        const std::int64_t size = program.size(), n_blocks = size > 0 ? program(0) : -1;
        require(n_blocks >= 0 && n_blocks <= size / numbers_of_block && 1 + n_blocks * numbers_of_block <= size,
                "the program is too short");
        const std::int64_t* positions = program.data() + 1 + n_blocks * numbers_of_block;
        job.dim_in = dim_in;
        job.dim_out = dim_out;
        job.n_blocks = n_blocks;
        job.blocks = reinterpret_cast<const MapBlock*>(program.data() + 1);
        job.positions = positions;
        job.matrices = matrices.data();
        std::int64_t n_written = 0, most_from = 0;
        for (std::int64_t k = 0; k < n_blocks; ++k) {
            check(job.blocks[k], program.data() + size - positions, matrices.size());
            n_written += job.blocks[k].n_to;
            most_from = std::max(most_from, job.blocks[k].n_from);
        }
        job.fills = n_written == dim_out;
        workspace_bytes = map_memory * most_from;
    }

  private:
    void check(const MapBlock& b, std::int64_t n_positions, std::int64_t n_numbers) const {
        const auto all_below = [&](std::int64_t first, std::int64_t n, std::int64_t dim) {
            const auto* list = job.positions + first;
            return std::all_of(list, list + n, [dim](std::int64_t p) { return p >= 0 && p < dim; });
        };
        require(within(b.from, b.n_from, n_positions) && within(b.to, b.n_to, n_positions),
                "a list of positions is not within the program");
        require(b.n_to == 0 || (b.n_from <= n_numbers / b.n_to && within(b.matrix, b.n_from * b.n_to, n_numbers)),
                "a matrix is not within the numbers");
        require(all_below(b.from, b.n_from, job.dim_in) && all_below(b.to, b.n_to, job.dim_out),
                "a position is not within its row");
    }

    // Whether `n` entries from `first` on lie within `size`.
    static bool within(std::int64_t first, std::int64_t n, std::int64_t size) {
        return first >= 0 && n >= 0 && n <= size && first <= size - n;
    }
};

inline RowsFunction<double> row_map_kernel(double) { return chosen->row_map.f64; }
inline RowsFunction<float> row_map_kernel(float) { return chosen->row_map.f32; }
inline int row_map_lanes(double) { return chosen->row_map.lanes_f64; }
inline int row_map_lanes(float) { return chosen->row_map.lanes_f32; }

}  // namespace anisoap
