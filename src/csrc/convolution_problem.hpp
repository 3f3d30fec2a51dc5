// One call of a convolution: reads its plan, sorts the edges and runs the kernels on all particles.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "convolution.hpp"
#include "segments.hpp"
#include "workspace.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace anisoap {

// The plan that anisoap_e3nn.ops.convolution_plan writes.
template <class T>
class ConvolutionPlan {
  public:
    std::int64_t dim_x, dim_harmonics, n_weights, dim_out;

    ConvolutionPlan(const std::int64_t* numbers, std::int64_t size, std::size_t vector_bytes)
        : next_(numbers), end_(numbers + size), lanes_(vector_bytes / sizeof(T)) {
        require(size >= 1 && take() == size, "this is no plan of a convolution");
        for (auto* dim : {&dim_x, &dim_harmonics, &n_weights, &dim_out}) *dim = take();
        require(n_weights >= 0 && dim_harmonics >= 0, "a dimension is negative");
        weighted_.resize(n_weights);
        const std::int64_t n_inputs = take(), n_outputs = take(), n_paths = take();
        for (std::int64_t k = 0; k < n_inputs; ++k) add_irrep(inputs_, row_x_, dim_x);
        for (std::int64_t k = 0; k < n_outputs; ++k) add_irrep(outputs_, row_out_, dim_out);
        for (std::int64_t k = 0; k < n_paths; ++k) add_path();
        require(next_ == end_, "the plan of the convolution is too long");
        for (std::int64_t k = 0; k < n_paths; ++k) paths_[k].to_harmonics = to_harmonics_[k].view();
    }

    void describe(ConvolutionJob<T>& job) const {
        job.dim_x = dim_x, job.dim_harmonics = dim_harmonics, job.n_weights = n_weights, job.dim_out = dim_out;
        job.row_x = row_x_, job.row_out = row_out_, job.n_matrix = n_matrix_;
        job.inputs = inputs_.data(), job.n_inputs = inputs_.size();
        job.outputs = outputs_.data(), job.n_outputs = outputs_.size();
        job.paths = paths_.data(), job.paths_end = paths_.data() + paths_.size();
        job.largest_matrix = largest_matrix_, job.to_matrix = to_matrix_.view();
    }

    bool uses_all_weights() const {
        return std::find(weighted_.begin(), weighted_.end(), false) == weighted_.end();
    }

  private:
    struct Entry {
        std::int64_t matrix, harmonic;
        T coefficient;
    };

    // A coupling from one member of the entries to another.
    struct Sums {
        std::vector<CouplingRun> runs;
        std::vector<CouplingTerm<T>> terms;

        void add(std::vector<Entry> entries, std::int64_t Entry::*to, std::int64_t Entry::*from,
                 std::int64_t first_to) {
            std::stable_sort(entries.begin(), entries.end(),
                             [&](const Entry& a, const Entry& b) { return a.*to < b.*to; });
            for (const Entry& entry : entries) {
                const std::int64_t term = terms.size(), number = first_to + entry.*to;
                if (runs.empty() || runs.back().to != number) runs.push_back({number, term, term});
                runs.back().end = term + 1;
                terms.push_back({entry.*from, entry.coefficient});
            }
        }
        Coupling<T> view() const { return {runs.data(), runs.data() + runs.size(), terms.data()}; }
    };

    std::int64_t take() {
        require(next_ < end_, "the plan of the convolution is too short");
        return *next_++;
    }

    void add_irrep(std::vector<ConvolutionIrrep>& irreps, std::int64_t& row, std::int64_t dim) {
        const std::int64_t position = take(), channels = take(), components = take();
        require(position >= 0 && channels > 0 && components > 0 && components <= dim && channels <= dim &&
                    position + channels * components <= dim,
                "an irrep reaches beyond its tensor");
        const std::int64_t vectors = (channels + lanes_ - 1) / lanes_;
        irreps.push_back({position, channels, components, row, vectors});
        row += components * vectors;
    }

    void add_path() {
        const std::int64_t in = take(), out = take(), weights = take(), n = take();
        require(in >= 0 && in < std::int64_t(inputs_.size()) && out >= 0 && out < std::int64_t(outputs_.size()),
                "a path names an irrep that is not there");
        const std::int64_t d1 = inputs_[in].components, d3 = outputs_[out].components;
        require(inputs_[in].channels == outputs_[out].channels, "a path needs as many channels of x and out");
        const std::int64_t channels = inputs_[in].channels;
        require(weights >= 0 && weights + channels <= n_weights, "a path needs weights for its channels");
        for (std::int64_t u = 0; u < channels; ++u) {
            require(!weighted_[weights + u], "two paths share a weight");
            weighted_[weights + u] = true;
        }
        std::vector<Entry> entries;
        for (std::int64_t k = 0; k < n; ++k) {
            const std::int64_t m1 = take(), harmonic = take(), m3 = take(), bits = take();
            require(m1 >= 0 && m1 < d1 && m3 >= 0 && m3 < d3 && harmonic >= 0 && harmonic < dim_harmonics,
                    "a component is out of range");
            double coefficient;
            std::memcpy(&coefficient, &bits, sizeof coefficient);
            entries.push_back({m3 * d1 + m1, harmonic, T(coefficient)});
        }
        to_matrix_.add(entries, &Entry::matrix, &Entry::harmonic, n_matrix_);
        to_harmonics_.emplace_back();
        to_harmonics_.back().add(entries, &Entry::harmonic, &Entry::matrix, 0);
        const bool is_diagonal = d1 == d3 && std::all_of(entries.begin(), entries.end(), [d1](const Entry& entry) {
            return entry.matrix % (d1 + 1) == 0;
        });
        paths_.push_back({in, out, weights, n_matrix_, is_diagonal, {}});
        n_matrix_ += d1 * d3;
        largest_matrix_ = std::max(largest_matrix_, d1 * d3);
    }

    const std::int64_t *next_, *end_;
    std::int64_t lanes_, row_x_ = 0, row_out_ = 0, n_matrix_ = 0, largest_matrix_ = 0;
    std::vector<ConvolutionIrrep> inputs_, outputs_;
    std::vector<ConvolutionPath<T>> paths_;
    std::vector<bool> weighted_;
    Sums to_matrix_;
    std::vector<Sums> to_harmonics_;  // of each path
};

// x, Y and W as they lie in memory.
template <class T>
struct ConvolutionTensors {
    const T *x, *harmonics, *weights;
};

template <class T>
class ConvolutionProblem {
  public:
    ConvolutionProblem(const ConvolutionPlan<T>& plan, const ConvolutionFunctions<T>& functions,
                       std::size_t vector_bytes, std::int64_t n_particles, std::int64_t n_edges,
                       const std::int64_t* edge_index, int threads)
        : functions_(functions), vector_bytes_(vector_bytes), n_particles_(n_particles), n_edges_(n_edges),
          threads_(threads) {
        plan.describe(job_);
        uses_all_weights_ = plan.uses_all_weights();
        job_.n_edges = n_edges;
        job_.neighbors = edge_index;
        job_.centers = edge_index + n_edges;
    }

    // Sums at the centres if g is null; otherwise at the neighbours, with the derivatives of edges.
    void run(const ConvolutionTensors<T>& point, const ConvolutionTensors<T>* tangent, const T* g, T* out,
             T* d_harmonics, T* d_weights) {
        const auto* sorted_by = g ? job_.neighbors : job_.centers;
        check_range("edge_index", g ? job_.centers : job_.neighbors, n_edges_, n_particles_, threads_);
        const Segments segments(sorted_by, n_edges_, n_particles_, threads_);
        job_.offsets = segments.offsets.data();
        job_.order = segments.order.empty() ? nullptr : segments.order.data();
        const Packed x = pack_x(point), x_tangent = tangent ? pack_x(*tangent) : nullptr;
        const Packed packed_g =
            g ? pack(job_.outputs, job_.n_outputs, job_.dim_out, job_.row_out, g) : nullptr;
        job_.point = {x->memory, point.harmonics, point.weights};
        job_.has_tangent = tangent != nullptr;
        if (tangent) job_.tangent = {x_tangent->memory, tangent->harmonics, tangent->weights};
        job_.g = packed_g ? packed_g->memory : nullptr;
        job_.out = out, job_.d_harmonics = d_harmonics, job_.d_weights = d_weights;
        const std::size_t bytes = n_edges_ * job_.n_weights * sizeof(T);
        if (g) prefer_huge_pages(d_weights, bytes);
        if (g && !uses_all_weights_) std::memset(d_weights, 0, bytes);
        in_chunks([&](std::int64_t first, std::int64_t end, void* workspace) {
            functions_.sweep(job_, first, end, workspace);
        });
    }

  private:
    using Packed = std::unique_ptr<Workspace>;

    Packed pack_x(const ConvolutionTensors<T>& tensors) const {
        return pack(job_.inputs, job_.n_inputs, job_.dim_x, job_.row_x, tensors.x);
    }

    Packed pack(const ConvolutionIrrep* irreps, std::int64_t n, std::int64_t dim, std::int64_t row,
                const T* from) const {
        auto packed = std::make_unique<Workspace>(n_particles_ * row * vector_bytes_);
        in_chunks([&](std::int64_t first, std::int64_t end, void*) {
            functions_.pack(irreps, n, dim, row, from, packed->memory, first, end);
        });
        return packed;
    }

    // Calls work(first, end, workspace) for all particles. Each is summed by one thread, so that the result does
    // not depend on their number.
    template <class Work>
    void in_chunks(const Work& work) const {
        constexpr std::int64_t chunk = 16;
        const std::int64_t n_chunks = (n_particles_ + chunk - 1) / chunk;
#pragma omp parallel num_threads(threads_)
        {
            const Workspace workspace(functions_.workspace_bytes(job_));
#pragma omp for schedule(dynamic)
            for (std::int64_t k = 0; k < n_chunks; ++k)
                work(k * chunk, std::min((k + 1) * chunk, n_particles_), workspace.memory);
        }
    }

    ConvolutionFunctions<T> functions_;
    std::size_t vector_bytes_;
    std::int64_t n_particles_, n_edges_;
    int threads_;
    bool uses_all_weights_;
    ConvolutionJob<T> job_{};
};

}  // namespace anisoap
