// Binds row_map to Python.
#include <algorithm>

#include "bindings.hpp"
#include "row_map.hpp"
#include "workspace.hpp"

namespace anisoap {
namespace {

RowsFunction<double> kernel_for(double) { return chosen->row_map.f64; }
RowsFunction<float> kernel_for(float) { return chosen->row_map.f32; }

// Whether `n` entries from `first` on lie within `size`.
bool within(std::int64_t first, std::int64_t n, std::int64_t size) {
    return first >= 0 && n >= 0 && n <= size && first <= size - n;
}

template <class T>
void check(const RowMapJob<T>& job, std::int64_t n_positions, std::int64_t n_numbers) {
    const auto all_below = [&](std::int64_t first, std::int64_t n, std::int64_t dim) {
        const auto* list = job.positions + first;
        return std::all_of(list, list + n, [dim](std::int64_t p) { return p >= 0 && p < dim; });
    };
    for (std::int64_t k = 0; k < job.n_blocks; ++k) {
        const MapBlock& b = job.blocks[k];
        require(within(b.from, b.n_from, n_positions) && within(b.to, b.n_to, n_positions),
                "a list of positions is not within the program");
        require(b.pitch >= b.n_to && b.pitch <= n_numbers && b.pitch % map_padding == 0 &&
                    within(b.matrix, b.pitch * b.n_from, n_numbers),
                "a matrix is not within the numbers");
        require(all_below(b.from, b.n_from, job.dim_in) && all_below(b.to, b.n_to, job.dim_out),
                "a position is not within its row");
    }
}

template <class T>
void row_map(Array<const T, -1, -1> x, Array<const T, -1> matrices, Indices program, Array<T, -1, -1> y, int threads) {
    constexpr std::int64_t numbers_of_block = sizeof(MapBlock) / sizeof(std::int64_t), chunk = 32;
    const std::int64_t size = program.size(), n_blocks = size > 0 ? program(0) : -1;
    require(n_blocks >= 0 && n_blocks <= size / numbers_of_block && 1 + n_blocks * numbers_of_block <= size,
            "the program is too short");
    require(x.shape(0) == y.shape(0), "one row of y for each of x");
    require(threads > 0, "threads is too small");
    const std::int64_t* positions = program.data() + 1 + n_blocks * numbers_of_block;
    const auto* blocks = reinterpret_cast<const MapBlock*>(program.data() + 1);
    std::int64_t n_written = 0;
    for (std::int64_t k = 0; k < n_blocks; ++k) n_written += blocks[k].n_to;
    const std::int64_t dim_in = x.shape(1), dim_out = y.shape(1);
    const RowMapJob<T> job{x.data(), y.data(),  dim_in,          dim_out,
                           n_blocks, blocks,    positions,       matrices.data(), n_written == dim_out};
    check(job, program.data() + size - positions, matrices.size());
    const std::int64_t n_rows = x.shape(0), n_chunks = (n_rows + chunk - 1) / chunk;
    const auto kernel = kernel_for(T());
    nb::gil_scoped_release release;
    prefer_huge_pages(y.data(), y.size() * sizeof(T));
#pragma omp parallel for schedule(static) num_threads(n_chunks > 1 ? threads : 1)
    for (std::int64_t k = 0; k < n_chunks; ++k) kernel(job, k * chunk, std::min((k + 1) * chunk, n_rows));
}

template <class T>
void define_as(nb::module_& m, const char* name) {
    const auto array = [](const char* argument) { return nb::arg(argument).noconvert(); };
    m.def(name, &row_map<T>, array("x"), array("matrices"), array("program"), array("y"), "threads"_a,
          "Writes x B to the positions of y that the program names.");
}

}  // namespace

void define_row_map(nb::module_& m) {
    define_as<double>(m, "row_map_f64");
    define_as<float>(m, "row_map_f32");
}

}  // namespace anisoap
