// The functions that each instruction set compiles for the design matrix of PairPotential.
#pragma once

#include "pair_potential.hpp"

namespace anisoap {

template <class T>
struct PairDesignFunctions {
    // Writes (1 + 9) (columns + functions) numbers for each pair of a task.
    void (*differentiate)(const PairJob<T>&, const PairTask&, T* out, void* workspace);
    // Adds a multiple of the value, number 0, or of a derivative, 1 to 9, of all functions of a pair.
    void (*add_row)(const T* pair, std::int64_t n_columns, int n_radial, int c, T factor, T* out);
};

struct PairDesignKernels {
    std::size_t vector_bytes;
    PairDesignFunctions<double> f64;
    PairDesignFunctions<float> f32;
};

}  // namespace anisoap
