// One call of gaussian_moments: its arguments checked, sorted and packed, and its kernels run on all segments.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "gaussian_moments.hpp"
#include "segments.hpp"
#include "workspace.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace anisoap {

inline std::int64_t number_of_moments(std::int64_t degree) {
    return degree < 0 ? 0 : (degree + 1) * (degree + 2) * (degree + 3) / 6;
}

// Packs covariances [particle, 3, 3], of which it takes the symmetric part, and weights [particle].
template <class T>
std::vector<Particle<T>> pack(const T* covariances, const T* weights, std::int64_t n) {
    std::vector<Particle<T>> particles(n);
    const T half = T(0.5);
    for (std::int64_t j = 0; j < n; ++j) {
        const T* c = covariances + 9 * j;
        particles[j] = {{c[0], half * c[1] + half * c[3], half * c[2] + half * c[6], c[4],
                         half * c[5] + half * c[7], c[8]},
                        weights[j], T(0)};
    }
    return particles;
}

// Positions and factors of the cotangents that each moment p is contracted with, for all p in rising order:
// G(p), then those of dL/dmu if p is below the highest degree, then those of dL/dC if it is two or more below.
template <class T>
struct ContractionTerms {
    std::vector<std::int64_t> positions;
    std::vector<T> factors;

    ContractionTerms(int degree, const std::int64_t* stored_at) {
        const int n = degree + 1;
        std::vector<std::int64_t> position(std::size_t(n) * n * n);
        std::int64_t counted = 0;
        for (int a = 0; a < n; ++a)
            for (int b = 0; a + b < n; ++b)
                for (int c = 0; a + b + c < n; ++c) position[(a * n + b) * n + c] = stored_at[counted++];
        const auto add = [&](int a, int b, int c, double factor) {
            positions.push_back(position[(a * n + b) * n + c]);
            factors.push_back(T(factor));
        };
        for (int a = 0; a < n; ++a)
            for (int b = 0; a + b < n; ++b)
                for (int c = 0; a + b + c < n; ++c) {
                    const int left = degree - a - b - c;
                    add(a, b, c, 1);
                    if (left < 1) continue;
                    add(a + 1, b, c, a + 1);
                    add(a, b + 1, c, b + 1);
                    add(a, b, c + 1, c + 1);
                    if (left < 2) continue;
                    add(a + 2, b, c, 0.5 * (a + 1) * (a + 2));
                    add(a + 1, b + 1, c, (a + 1) * (b + 1));
                    add(a + 1, b, c + 1, (a + 1) * (c + 1));
                    add(a, b + 2, c, 0.5 * (b + 1) * (b + 2));
                    add(a, b + 1, c + 1, (b + 1) * (c + 1));
                    add(a, b, c + 2, 0.5 * (c + 1) * (c + 2));
                }
    }
};

// Arrays of the floating-point arguments, or of derivatives with respect to them; null where there are none.
template <class T>
struct Tensors {
    T* edge_vectors;  // [edge, 3]
    T* covariances;   // [particle, 3, 3]
    T* weights;       // [particle]
    T* pair_weights;  // [edge]
};

template <class T>
class Problem {
  public:
    Problem(const Tensors<const T>& arguments, const std::int64_t* neighbors, const std::int64_t* segments,
            const std::int64_t* own_segments, std::int64_t n_edges, std::int64_t n_particles,
            std::int64_t n_segments, T exponent, int degree, const std::int64_t* positions, int threads)
        : neighbors_(neighbors),
          n_edges_(n_edges),
          n_particles_(n_particles),
          n_segments_(n_segments),
          exponent_(exponent),
          degree_(degree),
          positions_(positions),
          // waking threads takes longer than the work on a few hundred pairs
          threads_(n_edges * number_of_moments(degree) < 100000 ? 1 : threads),
          grouped_(segments, n_edges, n_segments, threads_),
          arguments_(arguments),
          particles_(pack(arguments.covariances, arguments.weights, n_particles)) {
        check_range("neighbors", neighbors, n_edges, n_particles, threads_);
        if (own_segments) owners_ = owners(own_segments, n_particles, n_segments);
    }

    int threads() const { return threads_; }

    void value(const GaussianMomentsKernels& kernels, T* moments) const {
        const std::int64_t n_moments = number_of_moments(degree_), n = n_segments_, chunk = segments_at_once();
#pragma omp parallel num_threads(threads_)
        {
            const Workspace workspace(kernels.workspace_bytes(degree_));
#pragma omp for schedule(dynamic)
            for (std::int64_t first = 0; first < n; first += chunk)
                value(kernels, first, std::min(chunk, n - first), moments + first * n_moments, n_moments, 1,
                      workspace.memory);
        }
    }

    // Writes the moments of `n` segments, each `pitch` numbers after the last and `stride` between its moments; for one
    // thread with its workspace.
    void value(const GaussianMomentsKernels& kernels, std::int64_t first, std::int64_t n, T* moments,
               std::int64_t pitch, std::int64_t stride, void* workspace) const {
        constexpr int most = 64;
        const SegmentFunction<T> on_segment = segment_function<T>(kernels, Derivative::value);
        const LoneFunction<T> on_lone = lone_function<T>(kernels);
        MomentsJob<T> job = this->job(first);
        job.moments = moments;
        job.pitch = pitch;
        job.stride = stride;
        LoneParticle<T> lone[most];
        int n_lone = 0;
        for (std::int64_t s = 0; s < n; ++s) {
            if (!job.owners || job.owners[s] < 0 || job.offsets[s] < job.offsets[s + 1]) {
                on_segment(job, s, workspace);
                continue;
            }
            lone[n_lone++] = {job.owners[s], moments + s * pitch};
            if (n_lone == most) on_lone(job, lone, std::exchange(n_lone, 0), workspace);
        }
        on_lone(job, lone, n_lone, workspace);
    }

    // Writes the moments of the own Gaussians of `n` particles in lanes: those of the next are one number further.
    void value_of_own(const GaussianMomentsKernels& kernels, std::int64_t first, std::int64_t n, T* moments,
                      std::int64_t stride, void* workspace) const {
        constexpr int most = 16;  // lanes
        MomentsJob<T> job = this->job();
        job.stride = stride;
        LoneParticle<T> own[most];
        for (std::int64_t k = 0; k < n; ++k) own[k] = {first + k, moments + k};
        lone_function<T>(kernels)(job, own, n, workspace);
    }

    void first_derivative(const GaussianMomentsKernels& kernels, const T* cotangent, const Tensors<T>& out) const {
        differentiate(kernels, Derivative::first, job(), cotangent, out);
    }

    // The derivative of <tangents, first derivative> with respect to the arguments and to the cotangent.
    void second_derivative(const GaussianMomentsKernels& kernels, const Tensors<const T>& tangents, const T* cotangent,
                           T* d_cotangent, const Tensors<T>& out) const {
        const auto particles = pack(tangents.covariances, tangents.weights, n_particles_);
        MomentsJob<T> job = this->job();
        job.tangents = {tangents.edge_vectors, tangents.pair_weights, particles.data()};
        job.moments = d_cotangent;
        differentiate(kernels, Derivative::second, job, cotangent, out);
    }

  private:
    const std::int64_t* neighbors_;
    std::int64_t n_edges_, n_particles_, n_segments_;
    T exponent_;
    int degree_;
    const std::int64_t* positions_;
    int threads_;
    Segments grouped_;
    Tensors<const T> arguments_;
    std::vector<Particle<T>> particles_;
    std::vector<std::int64_t> owners_;

    // Of the segments from `first` on.
    MomentsJob<T> job(std::int64_t first = 0) const {
        MomentsJob<T> job{};
        job.arguments = {arguments_.edge_vectors, arguments_.pair_weights, particles_.data()};
        job.neighbors = neighbors_;
        job.order = grouped_.order.empty() ? nullptr : grouped_.order.data();
        job.offsets = grouped_.offsets.data() + first;
        job.owners = owners_.empty() ? nullptr : owners_.data() + first;
        job.exponent = exponent_;
        job.degree = degree_;
        job.n_moments = job.pitch = number_of_moments(degree_);
        job.stride = 1;
        job.positions = positions_;
        return job;
    }

    void differentiate(const GaussianMomentsKernels& kernels, Derivative which, MomentsJob<T> job, const T* cotangent,
                       const Tensors<T>& out) const {
        const ContractionTerms<T> terms(degree_, positions_);
        job.cotangent = cotangent;
        job.n_terms = terms.positions.size();
        job.term_positions = terms.positions.data();
        job.term_factors = terms.factors.data();
        job.gradients = {out.edge_vectors, out.pair_weights, nullptr, nullptr};
        if (!out.covariances) return run(kernels, which, job);
        // The edges of a neighbour are summed afterwards in a fixed order, whichever thread computed them.
        const std::unique_ptr<Particle<T>[]> by_edge(new Particle<T>[n_edges_]);  // not initialised
        std::vector<Particle<T>> by_particle(n_particles_);
        job.gradients.edges = by_edge.get();
        job.gradients.particles = owners_.empty() ? nullptr : by_particle.data();
        run(kernels, which, job);
        add_edges(by_edge.get(), by_particle.data());
        unpack(by_particle, out);
    }

    void run(const GaussianMomentsKernels& kernels, Derivative which, const MomentsJob<T>& job) const {
        const SegmentFunction<T> on_segment = segment_function<T>(kernels, which);
        const std::size_t bytes = kernels.workspace_bytes(degree_);
        [[maybe_unused]] const std::int64_t chunk = segments_at_once();
#pragma omp parallel num_threads(threads_)
        {
            const Workspace workspace(bytes);
#pragma omp for schedule(dynamic, chunk)
            for (std::int64_t s = 0; s < n_segments_; ++s) on_segment(job, s, workspace.memory);
        }
    }

    // Large enough to make scheduling cheap, small enough to let threads end together.
    std::int64_t segments_at_once() const { return std::clamp<std::int64_t>(n_segments_ / (8 * threads_), 1, 64); }

    void add_edges(const Particle<T>* by_edge, Particle<T>* by_particle) const {
#pragma omp parallel num_threads(threads_)
        {
            std::int64_t begin = 0, end = n_particles_;  // particles of this thread
#ifdef _OPENMP
            const std::int64_t thread = omp_get_thread_num(), count = omp_get_num_threads();
            begin = n_particles_ * thread / count;
            end = n_particles_ * (thread + 1) / count;
#endif
            for (std::int64_t edge = 0; edge < n_edges_; ++edge) {
                const std::int64_t j = neighbors_[edge];
                if (j < begin || j >= end) continue;
                for (int k = 0; k < 6; ++k) by_particle[j].covariance[k] += by_edge[edge].covariance[k];
                by_particle[j].weight += by_edge[edge].weight;
            }
        }
    }

    void unpack(const std::vector<Particle<T>>& particles, const Tensors<T>& out) const {
        for (std::int64_t j = 0; j < n_particles_; ++j) {
            const T* c = particles[j].covariance;
            const T full[9] = {c[0], c[1], c[2], c[1], c[3], c[4], c[2], c[4], c[5]};
            std::memcpy(out.covariances + 9 * j, full, sizeof full);
            out.weights[j] = particles[j].weight;
        }
    }
};

}  // namespace anisoap
