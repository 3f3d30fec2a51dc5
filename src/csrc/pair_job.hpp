// The pairs of one call, the records of their particles, and what kernels of pair potentials write for them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anisoap {

// Numbers of each particle: G = R diag(a^2) R^T and, of Gay-Berne particles, B = R diag(depth^(-1/mu)) R^T and a size.
template <class T>
struct PairRecord {
    T shape[6], wells[6], size;
};

// What a pair adds to each of its particles: half of its energy, a force and a torque.
template <class T>
struct PairTerms {
    T of[2][8];  // energy, force [3], torque [3], nothing
};

// Some pairs of one combination of types: those from `start` to `end`.
struct PairTask {
    std::int64_t start, end;
    int first_type, second_type;
};

// A pair is an edge from its first particle, the centre, to its second, the neighbour, whose type does not come
// before that of the first.
template <class T>
struct PairJob {
    const std::int32_t* edges;  // [pair]
    const T* edge_vectors;      // [edge, 3], or null: the differences of positions
    const T* positions;         // [particle, 3], or null
    const std::int64_t *neighbors, *centers;
    const PairRecord<T>* records;
    const void* potential;  // its parameters, as its kernel knows them
};

// Writes the terms of the pairs of a task.
template <class T>
using PairFunction = void (*)(const PairJob<T>&, const PairTask&, PairTerms<T>* terms, void* workspace);

}  // namespace anisoap
