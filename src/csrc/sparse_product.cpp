// The kernel of sparse_product; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "sparse_product.hpp"

#include "simd.hpp"

namespace {

using anisoap::IrrepBlock;
using anisoap::SparseProductJob;

// A slot is a row of chunks. Sums run over one chunk at a time, which the registers hold; memory is read and
// written for the whole tile, in long stretches.
constexpr int vectors = 4;  // in a chunk: enough to keep the multiply-add units busy
constexpr int chunk_bytes = vectors * vector_bytes;

template <class T>
constexpr int chunk_lanes = chunk_bytes / sizeof(T);

// Number of chunks in a slot, where that helps. If components are the slow index in memory, each component is a
// stretch of its own, and wide slots make the stretches longer. If they are the fast index, all is one stretch.
constexpr int wide = 4;

template <class T>
bool takes_wide(const SparseProductJob<T>& job) {
    constexpr std::int64_t cached = 40000;  // a bit more than the first cache, of which sums use one chunk
    bool by_component = true;
    for (std::int64_t k = 0; k < job.n_blocks; ++k) by_component &= job.blocks[k].stride_v <= 1;
    return by_component && job.n_slots * wide * chunk_bytes <= cached;
}

// Consecutive lanes of a tile that differ in v only.
struct Segment {
    std::int64_t batch, u, v;
    int lane, length;
};

template <class T, int chunks>
struct Tile {
    static constexpr int width = chunks * chunk_lanes<T>;
    Segment segments[width];
    int n_segments = 0, n_lanes;

    Tile(const SparseProductJob<T>& job, std::int64_t first, std::int64_t end) {
        n_lanes = int(end - first < width ? end - first : width);
        std::int64_t v = first % job.n_v, row = first / job.n_v;
        for (int lane = 0; lane < n_lanes; ++row, v = 0) {
            const std::int64_t left = n_lanes - lane, length = job.n_v - v < left ? job.n_v - v : left;
            segments[n_segments++] = {row / job.n_u, row % job.n_u, v, lane, int(length)};
            lane += int(length);
        }
    }
};

template <class T>
inline void copy(const T* from, T* to, int n) {
    if (n == chunk_lanes<T>)
        std::memcpy(to, from, sizeof(T) * chunk_lanes<T>);  // a few instructions, as the size is known
    else
        std::memcpy(to, from, sizeof(T) * n);
}

// From [lane, component] in memory to [component][lane] in slots, and back; with D = 0, for any number of them.
template <int D, int width, class T>
inline void deinterleave(const T* __restrict from, T* __restrict to, int n, std::int64_t d) {
    const std::int64_t components = D > 0 ? D : d;
    for (std::int64_t lane = 0; lane < n; ++lane)
        for (std::int64_t m = 0; m < components; ++m) to[m * width + lane] = from[lane * components + m];
}

template <int D, int width, class T>
inline void interleave(const T* __restrict from, T* __restrict to, int n, std::int64_t d) {
    const std::int64_t components = D > 0 ? D : d;
    for (std::int64_t lane = 0; lane < n; ++lane)
        for (std::int64_t m = 0; m < components; ++m) to[lane * components + m] = from[m * width + lane];
}

#define FOR_COMPONENTS(function, d, ...)                           \
    switch (d) {                                                   \
        case 3: function<3, width>(__VA_ARGS__, d); break;                \
        case 5: function<5, width>(__VA_ARGS__, d); break;                \
        case 7: function<7, width>(__VA_ARGS__, d); break;                \
        case 9: function<9, width>(__VA_ARGS__, d); break;                \
        case 11: function<11, width>(__VA_ARGS__, d); break;              \
        case 13: function<13, width>(__VA_ARGS__, d); break;              \
        default: function<0, width>(__VA_ARGS__, d);                      \
    }

template <class T>
inline std::int64_t start_of(const SparseProductJob<T>& job, const IrrepBlock& block, const Segment& segment) {
    return segment.batch * job.batch_stride[block.operand] + block.offset + segment.u * block.stride_u +
           segment.v * block.stride_v;
}

template <class T, int chunks>
inline void load(const SparseProductJob<T>& job, const IrrepBlock& block, const Tile<T, chunks>& tile,
                 T* slots) {
    constexpr int width = Tile<T, chunks>::width;
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
                copy(from + m * block.component_stride, to + m * width, n);
        } else if (block.component_stride == 1 && block.stride_v == block.components) {
            FOR_COMPONENTS(deinterleave, block.components, from, to, n)
        } else {
            for (int lane = 0; lane < n; ++lane)
                for (std::int64_t m = 0; m < block.components; ++m)
                    to[m * width + lane] = from[lane * block.stride_v + m * block.component_stride];
        }
    }
    if (tile.n_lanes < width)  // or NaN could enter through lanes that are not written
        for (std::int64_t m = 0; m < block.components; ++m)
            for (int lane = tile.n_lanes; lane < width; ++lane) slots[m * width + lane] = T(0);
}

template <class T, int chunks>
inline void store(const SparseProductJob<T>& job, const IrrepBlock& block, const Tile<T, chunks>& tile,
                  const T* slots) {
    constexpr int width = Tile<T, chunks>::width;
    for (int s = 0; s < tile.n_segments; ++s) {
        const Segment& segment = tile.segments[s];
        T* to = job.written + start_of(job, block, segment);
        const T* from = slots + segment.lane;
        const int n = segment.length;
        if (block.adds && block.stride_v == 0) {
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
                copy(from + m * width, to + m * block.component_stride, n);
        } else if (block.component_stride == 1 && block.stride_v == block.components) {
            FOR_COMPONENTS(interleave, block.components, from, to, n)
        } else {
            for (int lane = 0; lane < n; ++lane)
                for (std::int64_t m = 0; m < block.components; ++m)
                    to[lane * block.stride_v + m * block.component_stride] = from[m * width + lane];
        }
    }
}

// Prefetches the memory of the next tile while this one is summed, into the second cache: the sums fill the
// first.
template <class T>
class Ahead {
  public:
    Ahead(const SparseProductJob<T>& job, std::int64_t first_lane, std::int64_t n_lanes) {
        const std::int64_t channels = job.n_u * job.n_v;
        for (int operand = 0; operand < 3; ++operand) {
            const T* const from = operand == job.target ? job.written : job.read[operand];
            const auto at = [&](std::int64_t lane) {
                const std::int64_t place = lane * job.batch_stride[operand] / channels;
                const std::int64_t size = job.n_batch * job.batch_stride[operand];
                return reinterpret_cast<const char*>(from + (place < size ? place : size));
            };
            next_[operand] = at(first_lane + n_lanes);
            end_[operand] = at(first_lane + 2 * n_lanes);
        }
    }

    // Prefetches this many cache lines.
    void fetch(std::int64_t lines) {
        for (int operand = 0; operand < 3; ++operand)
            for (; lines > 0 && next_[operand] < end_[operand]; --lines, next_[operand] += 64)
                __builtin_prefetch(next_[operand], 0, 2);
    }

  private:
    const char *next_[3], *end_[3];
};

// Carries out consecutive `run` instructions on one chunk, and returns the position after them.
template <class T, std::int64_t pitch>
inline const std::int64_t* run(const T* coefficients, const std::int64_t* next, const std::int64_t* end,
                               typename simd<T>::type* slots, Ahead<T>& ahead) {
    while (next < end && next[0] == anisoap::run) {
        auto* const target = slots + pitch * next[1];
        typename simd<T>::type sum[vectors]{};
        if (next[2])
            for (int v = 0; v < vectors; ++v) sum[v] = target[v];
        const std::int64_t n = next[3];
        next += 4;
        ahead.fetch(n);
        for (std::int64_t entry = 0; entry < n; ++entry, next += 3) {
            const T c = coefficients[next[0]];
            const auto *a = slots + pitch * next[1], *b = slots + pitch * next[2];
            for (int v = 0; v < vectors; ++v) sum[v] += a[v] * b[v] * c;
        }
        for (int v = 0; v < vectors; ++v) target[v] = sum[v];
    }
    return next;
}

template <class T, std::int64_t pitch>
inline void dot(const std::int64_t* entries, std::int64_t n, const typename simd<T>::type* slots,
                T* sums) {
    for (std::int64_t entry = 0; entry < n; ++entry, entries += 4) {
        const auto *a = slots + pitch * entries[1], *b = slots + pitch * entries[2],
                   *c = slots + pitch * entries[3];
        typename simd<T>::type sum{};
        for (int v = 0; v < vectors; ++v) sum += a[v] * b[v] * c[v];
        sums[entries[0]] += sum_of_lanes<T>(sum);
    }
}

template <class T, int chunks>
void run_stream(const SparseProductJob<T>& job, std::int64_t first_lane, std::int64_t end_lane, void* workspace) {
    constexpr std::int64_t pitch = vectors * chunks, lanes = chunk_lanes<T>;
    auto* const slots = static_cast<typename simd<T>::type*>(workspace);
    const auto numbers = [&](std::int64_t slot) { return reinterpret_cast<T*>(slots + pitch * slot); };
    for (std::int64_t first = first_lane; first < end_lane; first += chunks * lanes) {
        const Tile<T, chunks> tile(job, first, end_lane);
        Ahead<T> ahead(job, first, chunks * lanes);
        for (const std::int64_t* next = job.stream; next < job.stream_end;) {
            const std::int64_t* after = next + 3;
            switch (next[0]) {
                case anisoap::load:
                    load(job, job.blocks[next[1]], tile, numbers(next[2]));
                    break;
                case anisoap::store:
                    store(job, job.blocks[next[1]], tile, numbers(next[2]));
                    break;
                case anisoap::run:
                    for (int chunk = 0; chunk * lanes < tile.n_lanes; ++chunk)
                        after = run<T, pitch>(job.coefficients, next, job.stream_end, slots + vectors * chunk, ahead);
                    break;
                default:
                    for (int chunk = 0; chunk * lanes < tile.n_lanes; ++chunk)
                        dot<T, pitch>(next + 2, next[1], slots + vectors * chunk, job.written);
                    after = next + 2 + 4 * next[1];
            }
            next = after;
        }
    }
}

template <class T>
void sparse_product(const SparseProductJob<T>& job, std::int64_t first_lane, std::int64_t end_lane,
                    void* workspace) {
    if (takes_wide(job))
        run_stream<T, wide>(job, first_lane, end_lane, workspace);
    else
        run_stream<T, 1>(job, first_lane, end_lane, workspace);
}

}  // namespace

namespace anisoap {
extern const SparseProductKernels IN_THIS_SET(sparse_product_);
const SparseProductKernels IN_THIS_SET(sparse_product_) = {wide * chunk_bytes, sparse_product<double>,
                                                     sparse_product<float>};
}  // namespace anisoap
