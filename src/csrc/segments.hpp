// Groups edges by the segment (centre and neighbour type) they are summed into.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace anisoap {

// Refuses indices outside [0, size), since the kernels do not check them.
inline void check_range(const char* name, const std::int64_t* indices, std::int64_t count, std::int64_t size,
                        [[maybe_unused]] int threads) {
    int outside = 0;  // without a branch, so that the loop is vectorised
#pragma omp parallel for num_threads(threads) reduction(| : outside)
    for (std::int64_t k = 0; k < count; ++k) outside |= (indices[k] < 0) | (indices[k] >= size);
    if (!outside) return;
    for (std::int64_t k = 0; k < count; ++k)
        if (indices[k] < 0 || indices[k] >= size)
            throw std::out_of_range(std::string(name) + "[" + std::to_string(k) + "] is " +
                                    std::to_string(indices[k]) + ", expected 0 to " + std::to_string(size - 1));
}

struct Segments {
    std::vector<std::int64_t> offsets;  // [segment + 1] into the sorted edges
    std::vector<std::int64_t> order;    // [edge], stable; empty where the edges are sorted already

    Segments(const std::int64_t* segments, std::int64_t n_edges, std::int64_t n_segments, int threads)
        : offsets(n_segments + 1, 0) {
        check_range("segments", segments, n_edges, n_segments, threads);
        if (is_sorted(segments, n_edges, threads))
            find_offsets(segments, n_edges, n_segments, threads);
        else
            counting_sort(segments, n_edges, n_segments);
    }

  private:
    static bool is_sorted(const std::int64_t* segments, std::int64_t n_edges, [[maybe_unused]] int threads) {
        int falls = 0;
#pragma omp parallel for num_threads(threads) reduction(| : falls)
        for (std::int64_t edge = 1; edge < n_edges; ++edge) falls |= segments[edge] < segments[edge - 1];
        return falls == 0;
    }

    void find_offsets(const std::int64_t* segments, std::int64_t n_edges, std::int64_t n_segments,
                      [[maybe_unused]] int threads) {
#pragma omp parallel for num_threads(threads)
        for (std::int64_t edge = 0; edge < n_edges; ++edge) {
            const std::int64_t last = edge == 0 ? -1 : segments[edge - 1];
            for (std::int64_t s = last + 1; s <= segments[edge]; ++s) offsets[s] = edge;
        }
        const std::int64_t last = n_edges == 0 ? -1 : segments[n_edges - 1];
        for (std::int64_t s = last + 1; s <= n_segments; ++s) offsets[s] = n_edges;
    }

    void counting_sort(const std::int64_t* segments, std::int64_t n_edges, std::int64_t n_segments) {
        for (std::int64_t edge = 0; edge < n_edges; ++edge) ++offsets[segments[edge] + 1];
        for (std::int64_t s = 0; s < n_segments; ++s) offsets[s + 1] += offsets[s];
        std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
        order.resize(n_edges);
        for (std::int64_t edge = 0; edge < n_edges; ++edge) order[next[segments[edge]]++] = edge;
    }
};

// The particle whose own Gaussian each segment holds, or -1.
inline std::vector<std::int64_t> owners(const std::int64_t* own_segments, std::int64_t n_particles,
                                        std::int64_t n_segments) {
    check_range("own_segments", own_segments, n_particles, n_segments, 1);
    std::vector<std::int64_t> owner(n_segments, -1);
    for (std::int64_t j = 0; j < n_particles; ++j) {
        if (owner[own_segments[j]] >= 0)
            throw std::invalid_argument("own_segments names segment " + std::to_string(own_segments[j]) +
                                        " twice, expected a different one for every particle");
        owner[own_segments[j]] = j;
    }
    return owner;
}

}  // namespace anisoap
