// One call of a pair potential: its edges made a list of pairs sorted by types, its kernel run, and all terms summed.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "pair_job.hpp"
#include "particles.hpp"
#include "workspace.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace anisoap {

template <class T>
struct PairEdges {
    const T *vectors, *positions;             // [edge, 3] or [particle, 3]; the other is null
    const std::int64_t *neighbors, *centers;  // [edge]
    std::int64_t n;
    bool once;  // whether each pair has one edge, in either direction, instead of two
};

template <class T>
struct PairSums {
    T *energies, *forces, *torques;  // [particle], [particle, 3], [particle, 3]
    T* virial;                       // [frame, 3, 3]
    std::int64_t n_frames;           // 0 for no virial
    const std::int64_t* frames;  // [particle], or null for one frame
};

template <class T>
class PairProblem {
  public:
    static constexpr std::int64_t pairs_of_task = 32;    // a multiple of the lanes of every instruction set
    static constexpr std::int64_t tasks_of_block = 64;   // their terms stay in the cache until they are added

    // `is_legal` is false if an index is out of range, two particles are in the same place, or edges should come in
    // both directions and do not. Such edges are left to the plain definition, which says what is wrong.
    PairProblem(const PairEdges<T>& edges, const std::vector<int>& types, int n_types, int threads)
        : edges_(edges), n_particles_(types.size()) {
        is_legal = edges.n <= INT32_MAX && (edges.once ? take_all(types, n_types) : select(types, n_types));
        if (!is_legal) return;
        sort(types, n_types);
        // waking threads takes longer than the work on few pairs
        threads_ = std::int64_t(pairs_.size()) < 2 * pairs_of_task * tasks_of_block ? 1 : threads;
    }

    bool is_legal;

    void run(PairFunction<T> kernel, std::size_t workspace_bytes, const std::vector<PairRecord<T>>& records,
             const void* potential, const PairSums<T>& out) const {
        const PairJob<T> job = this->job(records, potential);
        const std::unique_ptr<PairTerms<T>[]> terms(new PairTerms<T>[pairs_of_task * tasks_of_block]);
        std::vector<PairTerms<T>> sums((n_particles_ + 1) / 2, PairTerms<T>{});  // two particles each
        std::vector<double> virial(9 * out.n_frames, 0.0);
        const std::int64_t n_tasks = tasks_.size();
#pragma omp parallel num_threads(threads_)
        {
            const Workspace workspace(workspace_bytes);
            for (std::int64_t begin = 0; begin < n_tasks; begin += tasks_of_block) {
                const std::int64_t end = std::min(n_tasks, begin + tasks_of_block);
#pragma omp for schedule(dynamic, 4)
                for (std::int64_t task = begin; task < end; ++task)
                    kernel(job, tasks_[task], terms.get() + (task - begin) * pairs_of_task, workspace.memory);
                for (std::int64_t task = begin; task < end; ++task)
                    add(tasks_[task], terms.get() + (task - begin) * pairs_of_task, sums.data(), virial.data(), out);
#pragma omp barrier
            }
        }
        write(sums.data(), virial.data(), out);
    }

    PairJob<T> job(const std::vector<PairRecord<T>>& records, const void* potential) const {
        return {pairs_.data(), edges_.vectors, edges_.positions, edges_.neighbors, edges_.centers, records.data(),
                potential};
    }
    const std::vector<PairTask>& tasks() const { return tasks_; }
    int threads() const { return threads_; }

  private:
    PairEdges<T> edges_;
    std::int64_t n_particles_;
    int threads_ = 1;
    std::vector<std::int32_t> pairs_;  // edges, one of each pair, by types
    std::vector<PairTask> tasks_;
    std::vector<T> turned_vectors_;  // of edges_, some of which had to be turned round
    std::vector<std::int64_t> turned_ends_;

    // One edge of each pair: from the lower type to the higher, else as graph.one_of_each_pair has it.
    bool select(const std::vector<int>& types, int n_types) {
        pairs_.resize(edges_.n / 2 + 1);
        std::int64_t found = 0;
        const std::uint64_t n = n_particles_;
        for (std::int64_t edge = 0; edge < edges_.n; ++edge) {
            const std::int64_t neighbor = edges_.neighbors[edge], center = edges_.centers[edge];
            if (std::uint64_t(neighbor) >= n || std::uint64_t(center) >= n) return false;
            const T *r = edges_.vectors + 3 * edge, x = r[0], y = r[1], z = r[2];
            if (x == 0 && y == 0 && z == 0) return false;
            std::int64_t order = neighbor - center;
            if (n_types > 1 && types[neighbor] != types[center]) order = types[neighbor] - types[center];
            const bool forward = x > 0 || (x == 0 && (y > 0 || (y == 0 && z > 0)));
            const bool is_first = order > 0 || (order == 0 && forward);
            if (is_first && found == edges_.n / 2) return false;
            pairs_[found] = std::int32_t(edge);
            found += is_first;
        }
        pairs_.resize(found);
        return 2 * found == edges_.n;
    }

    // All edges, each from the lower type to the higher. Without vectors, the energies tell of equal positions.
    bool take_all(const std::vector<int>& types, int n_types) {
        pairs_.resize(edges_.n);
        const std::uint64_t n = n_particles_;
        bool is_legal = true;
        for (std::int64_t edge = 0; edge < edges_.n; ++edge) {
            is_legal &= std::uint64_t(edges_.neighbors[edge]) < n && std::uint64_t(edges_.centers[edge]) < n;
            pairs_[edge] = std::int32_t(edge);
        }
        for (std::int64_t edge = 0; edges_.vectors && edge < edges_.n; ++edge) {
            const T* r = edges_.vectors + 3 * edge;
            is_legal &= r[0] != 0 || r[1] != 0 || r[2] != 0;
        }
        if (is_legal && n_types > 1) turn(types);
        return is_legal;
    }

    void turn(const std::vector<int>& types) {
        if (edges_.vectors) turned_vectors_.assign(edges_.vectors, edges_.vectors + 3 * edges_.n);
        turned_ends_.assign(edges_.neighbors, edges_.neighbors + edges_.n);
        turned_ends_.insert(turned_ends_.end(), edges_.centers, edges_.centers + edges_.n);
        std::int64_t *neighbors = turned_ends_.data(), *centers = neighbors + edges_.n;
        for (std::int64_t edge = 0; edge < edges_.n; ++edge) {
            if (types[neighbors[edge]] >= types[centers[edge]]) continue;
            std::swap(neighbors[edge], centers[edge]);
            for (int k = 0; edges_.vectors && k < 3; ++k) turned_vectors_[3 * edge + k] *= -1;
        }
        if (edges_.vectors) edges_.vectors = turned_vectors_.data();
        edges_.neighbors = neighbors;
        edges_.centers = centers;
    }

    // Sorts pairs by their types and divides them into tasks.
    void sort(const std::vector<int>& types, int n_types) {
        std::vector<std::int64_t> ends(std::size_t(n_types) * n_types + 1, 0);
        const auto of_types = [&](std::int32_t edge) {
            return std::size_t(types[edges_.centers[edge]]) * n_types + types[edges_.neighbors[edge]];
        };
        if (n_types == 1) {
            ends[1] = pairs_.size();
        } else {
            for (const std::int32_t edge : pairs_) ++ends[of_types(edge) + 1];
            for (std::size_t k = 1; k < ends.size(); ++k) ends[k] += ends[k - 1];
            std::vector<std::int32_t> sorted(pairs_.size());
            std::vector<std::int64_t> next(ends.begin(), ends.end() - 1);
            for (const std::int32_t edge : pairs_) sorted[next[of_types(edge)]++] = edge;
            pairs_.swap(sorted);
        }
        for (int s = 0; s < n_types; ++s)
            for (int t = 0; t < n_types; ++t) {
                const std::int64_t end = ends[s * n_types + t + 1];
                for (std::int64_t start = ends[s * n_types + t]; start < end; start += pairs_of_task)
                    tasks_.push_back({start, std::min(end, start + pairs_of_task), s, t});
            }
    }

    // Adds terms to the particles of this thread, in the order of the pairs, whichever thread computed them.
    void add(const PairTask& task, const PairTerms<T>* terms, PairTerms<T>* sums, double* virial,
             const PairSums<T>& out) const {
        std::int64_t begin = 0, end = n_particles_;
        bool is_master = true;
#ifdef _OPENMP
        const std::int64_t thread = omp_get_thread_num(), count = omp_get_num_threads();
        begin = n_particles_ * thread / count;
        end = n_particles_ * (thread + 1) / count;
        is_master = thread == 0;
#endif
        for (std::int64_t pair = task.start; pair < task.end; ++pair, ++terms) {
            const std::int32_t edge = pairs_[pair];
            const std::int64_t ends[2] = {edges_.centers[edge], edges_.neighbors[edge]};
            for (int i = 0; i < 2; ++i) {
                if (ends[i] < begin || ends[i] >= end) continue;
                T* sum = sums[ends[i] / 2].of[ends[i] % 2];
                for (int k = 0; k < 8; ++k) sum[k] += terms->of[i][k];
            }
            if (!is_master || out.n_frames == 0) continue;
            double* total = virial + 9 * (out.frames ? out.frames[ends[0]] : 0);
            const T* r = edges_.vectors + 3 * edge;
            for (int i = 0; i < 3; ++i)
                for (int k = 0; k < 3; ++k) total[3 * i + k] -= double(r[i]) * terms->of[0][1 + k];
        }
    }

    void write(const PairTerms<T>* sums, const double* virial, const PairSums<T>& out) const {
        for (std::int64_t j = 0; j < n_particles_; ++j) {
            const T* sum = sums[j / 2].of[j % 2];
            out.energies[j] = sum[0];
            for (int k = 0; k < 3; ++k) {
                out.forces[3 * j + k] = sum[1 + k];
                out.torques[3 * j + k] = sum[4 + k];
            }
        }
        for (std::int64_t frame = 0; frame < out.n_frames; ++frame)
            for (int i = 0; i < 3; ++i)
                for (int k = 0; k < 3; ++k) {
                    const double* total = virial + 9 * frame;
                    out.virial[9 * frame + 3 * i + k] = T(0.5 * (total[3 * i + k] + total[3 * k + i]));
                }
    }
};

}  // namespace anisoap
