// Parameters of the Gay-Berne potential, as its kernel reads them; gay_berne/potential.py has the formula.
#pragma once

#include "pair_job.hpp"

namespace anisoap {

template <class T>
struct GayBerneOfTypes {
    T epsilon, sigma;
    bool are_spheres;  // a Lennard-Jones pair
    T offset;          // subtracted from its energy
};

template <class T>
struct GayBerneParameters {
    int n_types;
    T cutoff, smoothing_width, gamma, upsilon, mu;
    const GayBerneOfTypes<T>* of_types;  // [first type, second type]
};

struct GayBerneKernels {
    PairFunction<double> f64;
    PairFunction<float> f32;
};

}  // namespace anisoap
