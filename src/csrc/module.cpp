// Python face of the kernels. No torch headers: tensors come in as NumPy views of the same memory.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <new>

#include "instruction_sets.hpp"
#include "segments.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace nb = nanobind;
using namespace nb::literals;

namespace anisoap {
namespace {

const std::vector<const InstructionSet*> runnable = runnable_instruction_sets();
const InstructionSet* chosen = runnable.front();

template <class T, nb::ssize_t... Shape>
using Array = nb::ndarray<T, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
using Indices = Array<const std::int64_t, -1>;

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

struct Workspace {
    void* memory;
    explicit Workspace(std::size_t bytes) : memory(::operator new(bytes, std::align_val_t(64))) {}
    ~Workspace() { ::operator delete(memory, std::align_val_t(64)); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
};

void sweep(const MomentsJob<double>& job, std::int64_t s, void* workspace) {
    chosen->sweep_f64(job, s, workspace);
}
void sweep(const MomentsJob<float>& job, std::int64_t s, void* workspace) {
    chosen->sweep_f32(job, s, workspace);
}

template <class T>
std::vector<Particle<T>> pack(const T* covariances, const T* weights, std::int64_t n) {
    std::vector<Particle<T>> particles(n);
    for (std::int64_t j = 0; j < n; ++j) {
        const T* c = covariances + 9 * j;
        particles[j] = {{c[0], c[1], c[2], c[4], c[5], c[8]}, weights[j], T(0)};
    }
    return particles;
}

template <class T>
void gaussian_moments(Array<const T, -1, 3> edge_vectors, Indices neighbors, Indices segments,
                      Array<const T, -1, 3, 3> covariances, Array<const T, -1> weights,
                      std::optional<Array<const T, -1>> pair_weights, std::optional<Indices> own_segments,
                      double exponent, int degree,
                      Indices positions, Array<T, -1, -1> moments, int threads) {
    const std::int64_t n_edges = edge_vectors.shape(0), n_particles = covariances.shape(0);
    const std::int64_t n_segments = moments.shape(0), n_moments = moments.shape(1), d = degree;
    require(neighbors.shape(0) == edge_vectors.shape(0) && segments.shape(0) == edge_vectors.shape(0) &&
                (!pair_weights || pair_weights->shape(0) == edge_vectors.shape(0)),
            "neighbors, segments and pair_weights need one entry for each of the edge_vectors");
    require(weights.shape(0) == covariances.shape(0) &&
                (!own_segments || own_segments->shape(0) == covariances.shape(0)),
            "weights and own_segments need one entry for each of the covariances");
    require(degree >= 0 && n_moments == (d + 1) * (d + 2) * (d + 3) / 6 &&
                std::int64_t(positions.shape(0)) == n_moments,
            "moments and positions need (degree + 1)(degree + 2)(degree + 3)/6 columns");
    nb::gil_scoped_release release;
    // waking threads takes longer than the work on a few hundred pairs
    if (n_edges * n_moments < 100000) threads = 1;
    check_range("neighbors", neighbors.data(), n_edges, n_particles, threads);
    const Segments grouped(segments.data(), n_edges, n_segments, threads);
    std::vector<std::int64_t> owner;
    if (own_segments) owner = owners(own_segments->data(), n_particles, n_segments);
    const auto particles = pack(covariances.data(), weights.data(), n_particles);
    const MomentsJob<T> job{edge_vectors.data(),
                            neighbors.data(),
                            pair_weights ? pair_weights->data() : nullptr,
                            grouped.order.empty() ? nullptr : grouped.order.data(),
                            grouped.offsets.data(),
                            owner.empty() ? nullptr : owner.data(),
                            particles.data(),
                            T(exponent),
                            degree,
                            positions.data(),
                            n_moments,
                            moments.data()};
    const std::size_t bytes = chosen->workspace_bytes(degree);
    // large enough that handing out work costs nothing, small enough that threads end together
    const std::int64_t chunk = std::clamp<std::int64_t>(n_segments / (8 * threads), 1, 64);
#pragma omp parallel num_threads(threads)
    {
        const Workspace workspace(bytes);
#pragma omp for schedule(dynamic, chunk)
        for (std::int64_t s = 0; s < n_segments; ++s) sweep(job, s, workspace.memory);
    }
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const auto* set : runnable) names.emplace_back(set->name);
    return names;
}

void use_instruction_set(const std::string& name) {
    for (const auto* set : runnable)
        if (name == set->name) {
            chosen = set;
            return;
        }
    throw std::invalid_argument("this machine cannot run the instruction set " + name);
}

template <class T>
void define(nb::module_& m) {
    m.def("gaussian_moments", &gaussian_moments<T>, "edge_vectors"_a.noconvert(), "neighbors"_a.noconvert(),
          "segments"_a.noconvert(), "covariances"_a.noconvert(), "weights"_a.noconvert(),
          "pair_weights"_a.noconvert().none(), "own_segments"_a.noconvert().none(), "exponent"_a, "degree"_a, "positions"_a.noconvert(),
          "moments"_a.noconvert(), "threads"_a,
          "Writes the moments of every segment into `moments`; see anisoap_e3nn.ops.gaussian_moments.");
}

}  // namespace
}  // namespace anisoap

NB_MODULE(_native, m) {
    using namespace anisoap;
    m.doc() = "Compiled kernels of anisoap_e3nn.";
    define<double>(m);
    define<float>(m);
    m.def("instruction_sets", &instruction_sets, "Names of the compiled copies this machine can run, best first.");
    m.def("use_instruction_set", &use_instruction_set, "name"_a,
          "Runs that copy from now on (for tests and benchmarks; the best one is the default).");
    m.def("fma_f64", [](std::int64_t repeats) {
        nb::gil_scoped_release release;
        return chosen->fma_f64(repeats);
    }, "repeats"_a, "Runs float64 multiply-adds alone and returns how many operations that was.");
}
