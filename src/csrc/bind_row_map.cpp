// Binds row_map to Python.
#include "map_program.hpp"

namespace anisoap {
namespace {

template <class T>
void row_map(Array<const T, -1, -1> x, Array<const T, -1> matrices, Indices program, Array<T, -1, -1> y, int threads) {
    constexpr std::int64_t chunk = 32;
    const MapProgram<T> map(matrices, program, x.shape(1), y.shape(1));
    require(x.shape(0) == y.shape(0), "one row of y for each of x");
    require(threads > 0, "threads is too small");
    RowMapJob<T> job = map.job;
    job.x = x.data();
    job.y = y.data();
    const std::int64_t n_rows = x.shape(0), n_chunks = (n_rows + chunk - 1) / chunk;
    const auto kernel = row_map_kernel(T());
    nb::gil_scoped_release release;
    prefer_huge_pages(y.data(), y.size() * sizeof(T));
#pragma omp parallel num_threads(n_chunks > 1 ? threads : 1)
    {
        const Workspace workspace(map.workspace_bytes);
#pragma omp for schedule(static)
        for (std::int64_t k = 0; k < n_chunks; ++k)
            kernel(job, k * chunk, std::min((k + 1) * chunk, n_rows), workspace.memory);
    }
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
