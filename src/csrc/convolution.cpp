// The kernels of convolutions; compiled once for every instruction set, with INSTRUCTION_SET its name.
#include "convolution.hpp"

#include "convolution_paths.hpp"
#include "simd.hpp"

namespace {

using anisoap::ConvolutionIrrep;
using anisoap::ConvolutionJob;
using anisoap::ConvolutionPath;
using anisoap::ConvolutionPoint;
using anisoap::Coupling;

// From [channel, component] in memory to [component, lane] in vectors, and added back; with D = 0, for any number
// of components.
template <class T, int D>
inline void deinterleave(const T* __restrict from, T* __restrict to, std::int64_t n, std::int64_t pitch,
                         std::int64_t d) {
    const std::int64_t components = D ? D : d;
    for (std::int64_t u = 0; u < n; ++u)
        for (std::int64_t m = 0; m < components; ++m) to[m * pitch + u] = from[u * components + m];
}

template <class T, int D>
inline void interleave(const T* __restrict from, T* __restrict to, std::int64_t n, std::int64_t pitch,
                       std::int64_t d) {
    const std::int64_t components = D ? D : d;
    for (std::int64_t u = 0; u < n; ++u)
        for (std::int64_t m = 0; m < components; ++m) to[u * components + m] += from[m * pitch + u];
}

#define FOR_COMPONENTS(function, T, d, ...)                \
    switch (d) {                                           \
        case 1: function<T, 1>(__VA_ARGS__, d); break;     \
        case 3: function<T, 3>(__VA_ARGS__, d); break;     \
        case 5: function<T, 5>(__VA_ARGS__, d); break;     \
        case 7: function<T, 7>(__VA_ARGS__, d); break;     \
        default: function<T, 0>(__VA_ARGS__, d);           \
    }

template <class T>
void pack(const ConvolutionIrrep* irreps, std::int64_t n_irreps, std::int64_t dim, std::int64_t row, const T* from,
          void* to, std::int64_t first, std::int64_t end) {
    constexpr std::int64_t lanes = simd<T>::lanes;
    for (std::int64_t particle = first; particle < end; ++particle) {
        T* const numbers = static_cast<T*>(to) + particle * row * lanes;
        std::memset(numbers, 0, row * vector_bytes);
        for (const auto* irrep = irreps; irrep < irreps + n_irreps; ++irrep)
            FOR_COMPONENTS(deinterleave, T, irrep->components, from + particle * dim + irrep->position,
                           numbers + irrep->row * lanes, irrep->channels, irrep->vectors * lanes)
    }
}

template <class T>
void unpack(const ConvolutionIrrep* irreps, std::int64_t n_irreps, std::int64_t dim, const T* row, T* to) {
    constexpr std::int64_t lanes = simd<T>::lanes;
    std::memset(to, 0, dim * sizeof(T));
    for (const auto* irrep = irreps; irrep < irreps + n_irreps; ++irrep)
        FOR_COMPONENTS(interleave, T, irrep->components, row + irrep->row * lanes, to + irrep->position,
                       irrep->channels, irrep->vectors * lanes)
}

template <class T>
inline void couple(const Coupling<T>& coupling, const typename simd<T>::type* from, typename simd<T>::type* to) {
    for (const auto* run = coupling.runs; run < coupling.runs_end; ++run) {
        typename simd<T>::type sum{};
        for (std::int64_t k = run->first; k < run->end; ++k)
            sum += from[coupling.terms[k].from] * coupling.terms[k].coefficient;
        to[run->to] = sum;
    }
}

// Copies few numbers, for which a call of memcpy takes longer than they do.
template <class T>
inline void copy_few(const T* from, T* to, std::int64_t n) {
    constexpr std::int64_t block = 16 / sizeof(T);
    for (; n >= block; n -= block, from += block, to += block) std::memcpy(to, from, 16);
    for (; n > 0; --n) *to++ = *from++;
}

// The matrices M of a tile of edges.
template <class T>
void find_matrices(const ConvolutionJob<T>& job, const T* harmonics, const std::int64_t* edges, int n_edges,
                   typename simd<T>::type* columns, typename simd<T>::type* matrices) {
    constexpr std::int64_t lanes = simd<T>::lanes;
    T* const numbers = reinterpret_cast<T*>(columns);
    for (int lane = 0; lane < n_edges; ++lane)
        for (std::int64_t m = 0; m < job.dim_harmonics; ++m)
            numbers[m * lanes + lane] = harmonics[edges[lane] * job.dim_harmonics + m];
    couple(job.to_matrix, columns, matrices);
}

template <class T>
class Sweep {
    using V = typename simd<T>::type;
    static constexpr int lanes = simd<T>::lanes;

  public:
    Sweep(const ConvolutionJob<T>& job, void* workspace)
        : job_(job), of_neighbors_(job.g != nullptr),
          past_caches_(sizeof(T) * job.n_weights * job.n_edges > larger_than_caches) {
        std::memset(workspace, 0, workspace_vectors(job) * vector_bytes);
        V* next = static_cast<V*>(workspace);
        const auto take = [&](std::int64_t n) { return next += n, next - n; };
        columns_ = take(job.dim_harmonics), columns_tangent_ = take(job.dim_harmonics);
        matrices_ = take(job.n_matrix), matrices_tangent_ = take(job.n_matrix);
        d_matrix_ = take(job.largest_matrix * edges_of_group<T>), d_harmonics_ = take(lanes * job.dim_harmonics);
        sum_ = take(longer_row(job));
        room_ = take(6 * lanes);
        T* const of_tile = reinterpret_cast<T*>(take(job.n_weights));
        for (const auto* in = job.inputs; in < job.inputs + job.n_inputs; ++in)
            if (in->channels % lanes != 0) d_weights_ = of_tile;
        functions_ = reinterpret_cast<Functions*>(next);
        auto* functions = functions_;
        for (const auto* path = job.paths; path < job.paths_end; ++path, ++functions) {
            const std::int64_t d1 = job.inputs[path->in].components, d3 = job.outputs[path->out].components;
            functions->of_one = path_function<T, 1>(d1, d3, path->is_diagonal, of_neighbors_, job.has_tangent);
            functions->of_two = path_function<T, 2>(d1, d3, path->is_diagonal, of_neighbors_, job.has_tangent);
        }
    }

    static std::size_t workspace_bytes(const ConvolutionJob<T>& job) {
        return workspace_vectors(job) * vector_bytes + (job.paths_end - job.paths) * sizeof(Functions);
    }

    void particle(std::int64_t i) {
        std::memset(sum_, 0, (of_neighbors_ ? job_.row_x : job_.row_out) * vector_bytes);
        for (std::int64_t k = job_.offsets[i]; k < job_.offsets[i + 1]; k += lanes) {
            const std::int64_t left = job_.offsets[i + 1] - k;
            tile(k, int(left < lanes ? left : lanes));
        }
        const T* const row = reinterpret_cast<const T*>(sum_);
        if (of_neighbors_)
            unpack(job_.inputs, job_.n_inputs, job_.dim_x, row, job_.out + i * job_.dim_x);
        else
            unpack(job_.outputs, job_.n_outputs, job_.dim_out, row, job_.out + i * job_.dim_out);
    }

  private:
    struct Functions {
        PathFunction<T> of_one, of_two;  // vectors
    };

    static std::int64_t longer_row(const ConvolutionJob<T>& job) {
        return job.row_x > job.row_out ? job.row_x : job.row_out;
    }

    static std::int64_t workspace_vectors(const ConvolutionJob<T>& job) {
        return (2 + lanes) * job.dim_harmonics + 2 * job.n_matrix + job.largest_matrix * edges_of_group<T> +
               longer_row(job) + 6 * lanes + job.n_weights;
    }

    std::int64_t edge_at(std::int64_t k) const { return job_.order ? job_.order[k] : k; }

    // The n edges of a particle from position k on.
    void tile(std::int64_t k, int n) {
        std::int64_t numbers[lanes];
        EdgeTile<T> edges;
        edges.n = n;
        edges.d_harmonics = d_harmonics_;
        for (int lane = 0; lane < n; ++lane) {
            const std::int64_t e = edge_at(k + lane);
            const std::int64_t ahead = k + lane + 2 * lanes, next = ahead < job_.n_edges ? edge_at(ahead) : e;
            numbers[lane] = e;
            edges.x[lane] = row(job_.point.x, job_.neighbors[e], job_.row_x);
            edges.w[lane] = job_.point.weights + e * job_.n_weights;
            edges.next_w[lane] = job_.point.weights + next * job_.n_weights;
            edges.x_tangent[lane] = edges.x[lane];
            if (job_.has_tangent) {
                edges.x_tangent[lane] = row(job_.tangent.x, job_.neighbors[e], job_.row_x);
                edges.w_tangent[lane] = job_.tangent.weights + e * job_.n_weights;
                edges.next_w_tangent[lane] = job_.tangent.weights + next * job_.n_weights;
            }
            if (of_neighbors_) {
                edges.g[lane] = row(job_.g, job_.centers[e], job_.row_out);
                const std::int64_t at = d_weights_ ? lane : e;
                edges.d_weights[lane] = (d_weights_ ? d_weights_ : job_.d_weights) + at * job_.n_weights;
            }
        }
        find_matrices(job_, job_.point.harmonics, numbers, n, columns_, matrices_);
        if (job_.has_tangent)
            find_matrices(job_, job_.tangent.harmonics, numbers, n, columns_tangent_, matrices_tangent_);
        if (of_neighbors_) std::memset(d_harmonics_, 0, lanes * job_.dim_harmonics * vector_bytes);
        const auto* functions = functions_;
        for (const auto* path = job_.paths; path < job_.paths_end; ++path, ++functions)
            along(*path, *functions, edges);
        if (!of_neighbors_) return;
        for (int lane = 0; d_weights_ && lane < n; ++lane)
            std::memcpy(job_.d_weights + numbers[lane] * job_.n_weights, edges.d_weights[lane],
                        job_.n_weights * sizeof(T));
        for (int lane = 0; lane < n; ++lane)
            for (std::int64_t m = 0; m < job_.dim_harmonics; ++m)
                job_.d_harmonics[numbers[lane] * job_.dim_harmonics + m] =
                    sum_of_lanes<T>(d_harmonics_[m * lanes + lane]);
    }

    void along(const ConvolutionPath<T>& path, const Functions& functions, const EdgeTile<T>& edges) {
        const ConvolutionIrrep &in = job_.inputs[path.in], &out = job_.outputs[path.out];
        PathStep<T> step;
        step.past_caches = past_caches_ && !d_weights_;
        step.d1 = in.components, step.d3 = out.components;
        step.vectors_x = in.vectors, step.vectors_out = out.vectors;
        step.m = reinterpret_cast<const T*>(matrices_ + path.matrix);
        step.m_tangent = reinterpret_cast<const T*>(matrices_tangent_ + path.matrix);
        step.sum = sum_, step.d_matrix = d_matrix_, step.to_harmonics = path.to_harmonics;
        for (std::int64_t v = 0, n = 0; v < in.vectors; v += n) {
            n = in.vectors - v < 2 ? 1 : 2;
            const std::int64_t left = in.channels - v * lanes;
            step.at_x = in.row + v, step.at_out = out.row + v, step.at_weights = path.weights + v * lanes;
            const auto function = n == 2 ? functions.of_two : functions.of_one;
            if (left < n * lanes)
                with_room(function, step, edges, left);
            else
                function(step, edges);
        }
    }

    // Calls a function whose vectors have fewer channels, and thus weights, than lanes.
    void with_room(PathFunction<T> function, PathStep<T> step, const EdgeTile<T>& edges, std::int64_t n_channels) {
        const std::int64_t first = step.at_weights;
        EdgeTile<T> roomy = edges;
        step.at_weights = 0;
        for (int lane = 0; lane < edges.n; ++lane) {
            T* const room = reinterpret_cast<T*>(room_ + 6 * lane);
            copy_few(edges.w[lane] + first, room, n_channels);
            roomy.w[lane] = roomy.next_w[lane] = room;
            if (job_.has_tangent) copy_few(edges.w_tangent[lane] + first, room + 2 * lanes, n_channels);
            roomy.w_tangent[lane] = roomy.next_w_tangent[lane] = room + 2 * lanes;
            roomy.d_weights[lane] = room + 4 * lanes;
        }
        function(step, roomy);
        for (int lane = 0; of_neighbors_ && lane < edges.n; ++lane)
            copy_few(roomy.d_weights[lane], edges.d_weights[lane] + first, n_channels);
    }

    static const V* row(const void* rows, std::int64_t particle, std::int64_t length) {
        return static_cast<const V*>(rows) + particle * length;
    }

    const ConvolutionJob<T>& job_;
    const bool of_neighbors_, past_caches_;
    V *columns_, *columns_tangent_, *matrices_, *matrices_tangent_, *d_matrix_, *d_harmonics_, *sum_, *room_;
    T* d_weights_ = nullptr;  // of a tile, where they are not all in whole vectors
    Functions* functions_;
};

template <class T>
void sweep(const ConvolutionJob<T>& job, std::int64_t first, std::int64_t end, void* workspace) {
    Sweep<T> all(job, workspace);
    for (std::int64_t particle = first; particle < end; ++particle) all.particle(particle);
    finish_streaming();
}

}  // namespace

namespace anisoap {
extern const ConvolutionKernels IN_THIS_SET(convolution_);
const ConvolutionKernels IN_THIS_SET(convolution_) = {
    vector_bytes, {pack<double>, sweep<double>, Sweep<double>::workspace_bytes},
    {pack<float>, sweep<float>, Sweep<float>::workspace_bytes}};
}  // namespace anisoap
