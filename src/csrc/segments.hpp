// Groups edges by the segment (centre and neighbour type) they are summed into.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace anisoap {

// Refuses indices that are not in [0, size): the sweep trusts them.
inline void check_range(const char* name, const std::int64_t* indices, std::int64_t count, std::int64_t size) {
    bool outside = false;  // without a branch, so that the loop is vectorised
    for (std::int64_t k = 0; k < count; ++k) outside |= indices[k] < 0 || indices[k] >= size;
    if (!outside) return;
    for (std::int64_t k = 0; k < count; ++k)
        if (indices[k] < 0 || indices[k] >= size)
            throw std::out_of_range(std::string(name) + "[" + std::to_string(k) + "] is " +
                                    std::to_string(indices[k]) + ", expected 0 to " + std::to_string(size - 1));
}

struct Segments {
    std::vector<std::int64_t> offsets;  // [segment + 1]
    std::vector<std::int64_t> order;    // [edge], stable; empty where the edges are sorted already

    // A counting sort, skipped for sorted input.
    Segments(const std::int64_t* segments, std::int64_t n_edges, std::int64_t n_segments)
        : offsets(n_segments + 1, 0) {
        check_range("segments", segments, n_edges, n_segments);
        bool falls = false;
        for (std::int64_t edge = 1; edge < n_edges; ++edge) falls |= segments[edge] < segments[edge - 1];
        for (std::int64_t edge = 0; edge < n_edges;) {
            const std::int64_t segment = segments[edge], first = edge;
            while (edge < n_edges && segments[edge] == segment) ++edge;
            offsets[segment + 1] += edge - first;
        }
        for (std::int64_t s = 0; s < n_segments; ++s) offsets[s + 1] += offsets[s];
        if (!falls) return;
        std::vector<std::int64_t> next(offsets.begin(), offsets.end() - 1);
        order.resize(n_edges);
        for (std::int64_t edge = 0; edge < n_edges; ++edge) order[next[segments[edge]]++] = edge;
    }
};

}  // namespace anisoap
