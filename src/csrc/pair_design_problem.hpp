// Fills the design matrix of a PairPotential.
#pragma once

#include "pair_basis.hpp"
#include "pair_design.hpp"
#include "pair_problem.hpp"

namespace anisoap {

template <class T>
struct PairDesign {
    T *energies, *forces, *torques;  // [frame, weight], [particle, 3, weight] twice; zeros to add to
    const std::int64_t* frames;      // [particle], or null for one frame
};

// Adds the rows of all pairs. Each row of the matrix belongs to one of seven jobs, energies and the components of
// forces and torques, and a job is done by one thread in the order of the pairs.
template <class T>
void add_design(const PairProblem<T>& problem, const PairDesignFunctions<T>& functions, std::size_t vector_bytes,
                const PairBasisStorage<T>& storage, const std::vector<PairRecord<T>>& records,
                const PairDesign<T>& out) {
    constexpr std::int64_t tasks_of_block = 4;
    const PairBasis<T>& basis = storage.basis;
    const PairJob<T> job = problem.job(records, &basis);
    const auto& tasks = problem.tasks();
    const std::int64_t n_tasks = tasks.size(), n_weights = storage.n_weights;
    const std::int64_t task_size = problem.pairs_of_task * 10 * (basis.n_products + basis.n_radial);
    const std::unique_ptr<T[]> numbers(new T[tasks_of_block * task_size]);
    const auto add = [&](const PairTask& task, const T* pair, int which) {
        const auto& weights = basis.of_types[task.first_type * basis.n_types + task.second_type];
        const std::int64_t n = weights.n_columns, offset = storage.offset(task.first_type, task.second_type);
        const auto row = [&](int c, T factor, T* matrix, std::int64_t index) {
            functions.add_row(pair, n, basis.n_radial, c, factor, matrix + index * n_weights + offset);
        };
        for (std::int64_t k = task.start; k < task.end; ++k, pair += 10 * (n + basis.n_radial)) {
            const std::int64_t first = job.centers[job.edges[k]], second = job.neighbors[job.edges[k]];
            const int axis = (which - 1) % 3;
            if (which == 0) {
                row(0, T(1), out.energies, out.frames ? out.frames[first] : 0);
            } else if (which <= 3) {
                row(1 + axis, T(1), out.forces, 3 * first + axis);
                row(1 + axis, T(-1), out.forces, 3 * second + axis);
            } else {
                row(4 + axis, T(-1), out.torques, 3 * first + axis);
                row(7 + axis, T(-1), out.torques, 3 * second + axis);
            }
        }
    };
#pragma omp parallel num_threads(problem.threads())
    {
        const Workspace workspace(vector_bytes * storage.basis.design_vectors());
        for (std::int64_t begin = 0; begin < n_tasks; begin += tasks_of_block) {
            const std::int64_t end = std::min(n_tasks, begin + tasks_of_block);
#pragma omp for schedule(dynamic)
            for (std::int64_t task = begin; task < end; ++task)
                functions.differentiate(job, tasks[task], numbers.get() + (task - begin) * task_size, workspace.memory);
#pragma omp for schedule(dynamic)
            for (int which = 0; which < 7; ++which)
                for (std::int64_t task = begin; task < end; ++task)
                    add(tasks[task], numbers.get() + (task - begin) * task_size, which);
        }
    }
}

}  // namespace anisoap
