// One call of sparse_product: reads its program and runs the kernel on all lanes.
#pragma once

#include <algorithm>
#include <vector>

#include "sparse_product.hpp"
#include "workspace.hpp"

namespace anisoap {

// The program that anisoap_e3nn.ops.product_program writes. Positions count from its first number.
class ProductProgram {
  public:
    enum { of_coefficients = 3 };  // the target that is no operand

    ProductProgram(const std::int64_t* numbers, std::int64_t size) : numbers_(numbers) {
        require(size >= head && numbers[0] == size, "this is no program of sparse_product");
    }

    std::int64_t dim(int operand) const { return numbers_[1 + operand]; }
    std::int64_t n_coefficients() const { return numbers_[4]; }
    std::int64_t n_groups() const { return numbers_[11]; }

    // Ranges of the target to be set to zero first, as (start, length).
    const std::int64_t* zeros(int target) const { return numbers_ + numbers_[5 + 2 * target]; }
    std::int64_t n_zeros(int target) const { return numbers_[6 + 2 * target]; }

    // Paths with the same numbers of channels, which share one stream of instructions.
    struct Group {
        std::int64_t n_u, n_v, n_blocks;
        const IrrepBlock* blocks;
        const std::int64_t *stream, *stream_end;
        std::int64_t n_slots;
        bool reduces;  // whether lanes of one batch entry are summed
    };

    Group group(std::int64_t index, int target) const {
        const std::int64_t* group = numbers_ + numbers_[head + index];
        const std::int64_t* stream = group + 4 + 4 * target;
        return {group[0], group[1], group[2], reinterpret_cast<const IrrepBlock*>(numbers_ + group[3]),
                numbers_ + stream[0], numbers_ + stream[0] + stream[1], stream[2], stream[3] != 0};
    }

  private:
    static constexpr std::int64_t head = 12;
    const std::int64_t* numbers_;
};

template <class T>
class SparseProblem {
  public:
    // The target is the operand that is null. If none is, it is the derivative to the coefficients.
    SparseProblem(const ProductProgram& program, const T* const (&operands)[3], const T* coefficients,
                  std::int64_t n_batch, int threads)
        : program_(program), n_batch_(n_batch), threads_(threads) {
        for (int operand = 0; operand < 3; ++operand) {
            job_.read[operand] = operands[operand];
            if (!operands[operand]) target_ = operand;
        }
        job_.coefficients = coefficients;
    }

    void run(LanesFunction<T> kernel, std::size_t slot_bytes, T* target) {
        job_.written = target;
        job_.target = target_;
        if (target_ != ProductProgram::of_coefficients)
            prefer_huge_pages(target, sizeof(T) * n_batch_ * program_.dim(target_));
        if (target_ == ProductProgram::of_coefficients)
            std::fill_n(target, program_.n_coefficients(), T(0));
        else
            clear(target);
        for (std::int64_t index = 0; index < program_.n_groups(); ++index) {
            const ProductProgram::Group group = program_.group(index, target_);
            job_.n_batch = n_batch_;
            for (int operand = 0; operand < 3; ++operand) job_.batch_stride[operand] = program_.dim(operand);
            job_.n_u = group.n_u;
            job_.n_v = group.n_v;
            job_.n_blocks = group.n_blocks;
            job_.n_slots = group.n_slots;
            job_.blocks = group.blocks;
            job_.stream = group.stream;
            job_.stream_end = group.stream_end;
            if (n_batch_ * group.n_u * group.n_v == 0) continue;
            if (is_one_row(group)) {
                job_.n_v = n_batch_ * group.n_v;
                for (int operand = 0; operand < 3; ++operand) job_.batch_stride[operand] *= n_batch_;
                job_.n_batch = 1;
            }
            const std::int64_t channels = job_.n_u * job_.n_v, lanes = job_.n_batch * channels;
            // lanes that are summed share a unit, and units do not depend on the number of threads
            std::int64_t unit = group.reduces ? (lanes_of_unit + channels - 1) / channels * channels : lanes_of_unit;
            if (target_ == ProductProgram::of_coefficients) {
                unit = std::max(unit, (lanes / n_partial_sums + unit - 1) / unit * unit);
                sum_units(kernel, slot_bytes * group.n_slots, lanes, unit);
            } else {
                run_units(kernel, slot_bytes * group.n_slots, lanes, unit);
            }
        }
    }

  private:
    static constexpr std::int64_t lanes_of_unit = 512, n_partial_sums = 64;
    ProductProgram program_;
    std::int64_t n_batch_;
    int threads_;
    int target_ = ProductProgram::of_coefficients;
    SparseProductJob<T> job_{};

    // Whether the channels of all batch entries are contiguous in every block.
    bool is_one_row(const ProductProgram::Group& group) const {
        bool goes_on = group.n_u == 1 && !group.reduces;
        for (std::int64_t k = 0; k < group.n_blocks; ++k)
            goes_on &= group.blocks[k].stride_v * group.n_v == program_.dim(int(group.blocks[k].operand));
        return goes_on;
    }

    void clear(T* target) const {
        const std::int64_t* zeros = program_.zeros(target_);
        const std::int64_t n = program_.n_zeros(target_), dim = program_.dim(target_);
        if (n == 0) return;
#pragma omp parallel for num_threads(threads_)
        for (std::int64_t batch = 0; batch < n_batch_; ++batch)
            for (std::int64_t k = 0; k < n; ++k)
                std::fill_n(target + batch * dim + zeros[2 * k], zeros[2 * k + 1], T(0));
    }

    void run_units(LanesFunction<T> kernel, std::size_t bytes, std::int64_t lanes, std::int64_t unit) const {
        const std::int64_t n_units = (lanes + unit - 1) / unit;
#pragma omp parallel num_threads(n_units > 1 ? threads_ : 1)
        {
            const Workspace workspace(bytes);
#pragma omp for schedule(static)
            for (std::int64_t k = 0; k < n_units; ++k)
                kernel(job_, k * unit, std::min((k + 1) * unit, lanes), workspace.memory);
        }
    }

    void sum_units(LanesFunction<T> kernel, std::size_t bytes, std::int64_t lanes, std::int64_t unit) {
        const std::int64_t n_units = (lanes + unit - 1) / unit, n = program_.n_coefficients();
        std::vector<T> sums(n_units * n);
#pragma omp parallel num_threads(n_units > 1 ? threads_ : 1)
        {
            const Workspace workspace(bytes);
#pragma omp for schedule(static)
            for (std::int64_t k = 0; k < n_units; ++k) {
                SparseProductJob<T> job = job_;
                job.written = sums.data() + k * n;
                kernel(job, k * unit, std::min((k + 1) * unit, lanes), workspace.memory);
            }
        }
        for (std::int64_t k = 0; k < n_units; ++k)
            for (std::int64_t c = 0; c < n; ++c) job_.written[c] += sums[k * n + c];
    }
};

}  // namespace anisoap
