// The kernel of sparse_product; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "sparse_product.hpp"

#include "simd.hpp"

namespace {

using anisoap::IrrepBlock;
using anisoap::SparseProductJob;

constexpr int vectors = 4;  // side by side in a slot: enough to keep the multiply-add units busy

template <class T>
constexpr int tile_lanes = vectors * simd<T>::lanes;

// A part of a tile in which only v changes.
struct Segment {
    std::int64_t batch, u, v;
    int lane, length;
};

template <class T>
struct Tile {
    Segment segments[tile_lanes<T>];
    int n_segments = 0, n_lanes;

    Tile(const SparseProductJob<T>& job, std::int64_t first, std::int64_t end) {
        constexpr std::int64_t width = tile_lanes<T>;
        n_lanes = int(end - first < width ? end - first : width);
        std::int64_t v = first % job.n_v, row = first / job.n_v;
        for (int lane = 0; lane < n_lanes; ++row, v = 0) {
            const std::int64_t left = n_lanes - lane, length = job.n_v - v < left ? job.n_v - v : left;
            segments[n_segments++] = {row / job.n_u, row % job.n_u, v, lane, int(length)};
            lane += int(length);
        }
    }
};

// From [lane, component] in memory to [component][lane] in slots, and back; with D = 0, for any number of them.
template <int D, class T>
inline void deinterleave(const T* __restrict from, T* __restrict to, int n, std::int64_t d) {
    const std::int64_t components = D > 0 ? D : d;
    for (std::int64_t lane = 0; lane < n; ++lane)
        for (std::int64_t m = 0; m < components; ++m) to[m * tile_lanes<T> + lane] = from[lane * components + m];
}

template <int D, class T>
inline void interleave(const T* __restrict from, T* __restrict to, int n, std::int64_t d) {
    const std::int64_t components = D > 0 ? D : d;
    for (std::int64_t lane = 0; lane < n; ++lane)
        for (std::int64_t m = 0; m < components; ++m) to[lane * components + m] = from[m * tile_lanes<T> + lane];
}

#define FOR_COMPONENTS(function, d, ...)                           \
    switch (d) {                                                   \
        case 3: function<3>(__VA_ARGS__, d); break;                \
        case 5: function<5>(__VA_ARGS__, d); break;                \
        case 7: function<7>(__VA_ARGS__, d); break;                \
        case 9: function<9>(__VA_ARGS__, d); break;                \
        case 11: function<11>(__VA_ARGS__, d); break;              \
        case 13: function<13>(__VA_ARGS__, d); break;              \
        default: function<0>(__VA_ARGS__, d);                      \
    }

template <class T>
inline std::int64_t start_of(const SparseProductJob<T>& job, const IrrepBlock& block, const Segment& segment) {
    return segment.batch * job.batch_stride[block.operand] + block.offset + segment.u * block.stride_u +
           segment.v * block.stride_v;
}

template <class T>
inline void load(const SparseProductJob<T>& job, const IrrepBlock& block, const Tile<T>& tile, T* slots) {
    constexpr int width = tile_lanes<T>;
    for (int s = 0; s < tile.n_segments; ++s) {
        const Segment& segment = tile.segments[s];
        const T* from = job.read[block.operand] + start_of(job, block, segment);
        T* to = slots + segment.lane;
        const int n = segment.length;
        if (block.stride_v == 0) {
            for (std::int64_t m = 0; m < block.components; ++m) {
                const T value = from[m * block.component_stride];
                for (int lane = 0; lane < n; ++lane) to[m * width + lane] = value;
            }
        } else if (block.stride_v == 1) {
            for (std::int64_t m = 0; m < block.components; ++m)
                std::memcpy(to + m * width, from + m * block.component_stride, n * sizeof(T));
        } else if (block.component_stride == 1 && block.stride_v == block.components) {
            FOR_COMPONENTS(deinterleave, block.components, from, to, n)
        } else {
            for (int lane = 0; lane < n; ++lane)
                for (std::int64_t m = 0; m < block.components; ++m)
                    to[m * width + lane] = from[lane * block.stride_v + m * block.component_stride];
        }
    }
    if (tile.n_lanes < width)  // so that nothing that is no number enters
        for (std::int64_t m = 0; m < block.components; ++m)
            for (int lane = tile.n_lanes; lane < width; ++lane) slots[m * width + lane] = T(0);
}

template <class T>
inline void store(const SparseProductJob<T>& job, const IrrepBlock& block, const Tile<T>& tile, const T* slots) {
    constexpr int width = tile_lanes<T>;
    for (int s = 0; s < tile.n_segments; ++s) {
        const Segment& segment = tile.segments[s];
        T* to = job.written + start_of(job, block, segment);
        const T* from = slots + segment.lane;
        const int n = segment.length;
        if (block.stride_v == 0) {
            for (std::int64_t m = 0; m < block.components; ++m) {
                T sum = T(0);
                for (int lane = 0; lane < n; ++lane) sum += from[m * width + lane];
                to[m * block.component_stride] += sum;
            }
        } else if (block.adds) {
            for (int lane = 0; lane < n; ++lane)
                for (std::int64_t m = 0; m < block.components; ++m)
                    to[lane * block.stride_v + m * block.component_stride] += from[m * width + lane];
        } else if (block.stride_v == 1) {
            for (std::int64_t m = 0; m < block.components; ++m)
                std::memcpy(to + m * block.component_stride, from + m * width, n * sizeof(T));
        } else if (block.component_stride == 1 && block.stride_v == block.components) {
            FOR_COMPONENTS(interleave, block.components, from, to, n)
        } else {
            for (int lane = 0; lane < n; ++lane)
                for (std::int64_t m = 0; m < block.components; ++m)
                    to[lane * block.stride_v + m * block.component_stride] = from[m * width + lane];
        }
    }
}

template <class T>
inline void run(const T* coefficients, const std::int64_t* entries, std::int64_t n, bool continues,
                typename simd<T>::type* slots, typename simd<T>::type* target) {
    typename simd<T>::type sum[vectors]{};
    if (continues)
        for (int v = 0; v < vectors; ++v) sum[v] = target[v];
    for (std::int64_t entry = 0; entry < n; ++entry, entries += 3) {
        const T c = coefficients[entries[0]];
        const auto *a = slots + vectors * entries[1], *b = slots + vectors * entries[2];
        for (int v = 0; v < vectors; ++v) sum[v] += a[v] * b[v] * c;
    }
    for (int v = 0; v < vectors; ++v) target[v] = sum[v];
}

template <class T>
inline void dot(const std::int64_t* entries, std::int64_t n, const typename simd<T>::type* slots, T* sums) {
    for (std::int64_t entry = 0; entry < n; ++entry, entries += 4) {
        const auto *a = slots + vectors * entries[1], *b = slots + vectors * entries[2],
                   *c = slots + vectors * entries[3];
        typename simd<T>::type sum{};
        for (int v = 0; v < vectors; ++v) sum += a[v] * b[v] * c[v];
        sums[entries[0]] += sum_of_lanes<T>(sum);
    }
}

template <class T>
void sparse_product(const SparseProductJob<T>& job, std::int64_t first_lane, std::int64_t end_lane,
                    void* workspace) {
    using V = typename simd<T>::type;
    V* const slots = static_cast<V*>(workspace);
    const auto numbers = [&](std::int64_t slot) { return reinterpret_cast<T*>(slots + vectors * slot); };
    for (std::int64_t first = first_lane; first < end_lane; first += tile_lanes<T>) {
        const Tile<T> tile(job, first, end_lane);
        for (const std::int64_t* next = job.stream; next < job.stream_end;) {
            switch (next[0]) {
                case anisoap::load:
                    load(job, job.blocks[next[1]], tile, numbers(next[2]));
                    next += 3;
                    break;
                case anisoap::run:
                    run<T>(job.coefficients, next + 4, next[3], next[2] != 0, slots, slots + vectors * next[1]);
                    next += 4 + 3 * next[3];
                    break;
                case anisoap::store:
                    store(job, job.blocks[next[1]], tile, numbers(next[2]));
                    next += 3;
                    break;
                default:
                    dot<T>(next + 2, next[1], slots, job.written);
                    next += 2 + 4 * next[1];
            }
        }
    }
}

}  // namespace

#define JOIN(a, b) a##b
#define NAMED(name) JOIN(sparse_product_, name)

namespace anisoap {
extern const SparseProductKernels NAMED(INSTRUCTION_SET);
const SparseProductKernels NAMED(INSTRUCTION_SET) = {vectors * vector_bytes, sparse_product<double>,
                                                     sparse_product<float>};
}  // namespace anisoap
