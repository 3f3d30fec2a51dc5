// The kernel of the Gay-Berne potential: energies, forces and torques of pairs; compiled once for every instruction
// set, with INSTRUCTION_SET its name. gay_berne/gradient.py has the definition.
#include "pair_gay_berne.hpp"

#include <limits>

#include "logarithm.hpp"
#include "pair_geometry.hpp"

namespace {

using anisoap::GayBerneOfTypes;
using anisoap::GayBerneParameters;
using anisoap::PairJob;
using anisoap::PairTask;

// n M^-1 n of the sum M of two matrices, and its derivatives with respect to n and to rotations of either.
template <class T>
struct QuadraticForm {
    using V = typename simd<T>::type;
    V matrices[2][6], inverse[6], normal[3], determinant, value;

    void set(const V (&direction)[3]) {
        V sum[6];
        for (int k = 0; k < 6; ++k) sum[k] = matrices[0][k] + matrices[1][k];
        determinant = cofactors(sum, inverse);
        const V scale = T(1) / determinant;
        for (int k = 0; k < 6; ++k) inverse[k] *= scale;
        multiply(inverse, direction, normal);
        value = dot(direction, normal);
    }

    // From the derivative with respect to the form. `d_direction` and the rotations are added to.
    void pull_back(const V& d_value, V (&d_direction)[3], V (&rotations)[2][3]) const {
        for (int k = 0; k < 3; ++k) d_direction[k] += T(2) * d_value * normal[k];
        for (int i = 0; i < 2; ++i) {
            V product[3];
            multiply(matrices[i], normal, product);
            add_cross(T(-2) * d_value, product, normal, rotations[i]);
        }
    }
};

// 4 (zeta^-12 - zeta^-6) and its derivative; of 1 where zeta is not above 0.
template <class T>
inline typename simd<T>::type lennard_jones(typename simd<T>::type zeta, typename simd<T>::type& derivative) {
    using V = typename simd<T>::type;
    const V inverse = T(1) / (zeta > T(0) ? zeta : V{} + T(1)), square = inverse * inverse;
    const V sixth = square * square * square;
    derivative = T(-24) * inverse * (T(2) * sixth * sixth - sixth);
    return T(4) * (sixth * sixth - sixth);
}

template <class T>
struct GayBerneTerms {
    using V = typename simd<T>::type;
    V energy{};
    PairGradient<V> gradient{};

    GayBerneTerms(const PairLanes<T>& pairs, const GayBerneParameters<T>& parameters,
                  const GayBerneOfTypes<T>& of_types) {
        V r[3], n[3], d_switch{}, switch_ = V{} + T(1), d_lj, d_n[3]{};
        pairs.vector(r);
        const V distance = square_root<T>(dot(r, r)), inverse_distance = T(1) / distance;
        for (int k = 0; k < 3; ++k) n[k] = r[k] * inverse_distance;
        if (parameters.smoothing_width > 0)
            switch_ = switched<T>(distance, parameters.cutoff, parameters.smoothing_width, d_switch);
        V zeta, d_distance;
        if (of_types.are_spheres) {
            zeta = distance / of_types.sigma;
            const V unshifted = of_types.epsilon * lennard_jones<T>(zeta, d_lj);
            energy = unshifted - of_types.offset;
            d_distance = of_types.epsilon * d_lj / of_types.sigma * switch_ + energy * d_switch;
        } else {
            QuadraticForm<T> shapes, wells;
            for (int i = 0; i < 2; ++i) {
                pairs.shape(i, shapes.matrices[i]);
                pairs.wells(i, wells.matrices[i]);
            }
            shapes.set(n);
            wells.set(n);
            const V contact = T(1) / square_root<T>(shapes.value * T(0.5));
            zeta = (distance - contact) / of_types.sigma + parameters.gamma;
            const V eta =
                power<T>(T(2) * pairs.size(0) * pairs.size(1) / shapes.determinant, T(0.5) * parameters.upsilon);
            const V strength = of_types.epsilon * eta * power<T>(T(2) * wells.value, parameters.mu);
            energy = strength * lennard_jones<T>(zeta, d_lj);
            const V d_zeta = strength * d_lj * switch_ / of_types.sigma, switched_energy = energy * switch_;
            d_distance = d_zeta + energy * d_switch;
            shapes.pull_back(d_zeta * contact * contact * contact * T(0.25), d_n, gradient.rotations);
            wells.pull_back(switched_energy * parameters.mu / wells.value, d_n, gradient.rotations);
            V turn[3]{};  // of det G, which changes only by turns of one particle against the other
            add_cross_of_columns(shapes.matrices[0], shapes.inverse, turn);
            for (int k = 0; k < 3; ++k) {
                turn[k] *= switched_energy * -parameters.upsilon;
                gradient.rotations[0][k] += turn[k];
                gradient.rotations[1][k] -= turn[k];
            }
        }
        energy *= switch_;
        const V along = dot(n, d_n);
        for (int k = 0; k < 3; ++k)
            gradient.vector[k] = n[k] * d_distance + (d_n[k] - n[k] * along) * inverse_distance;
        clear_where(zeta <= T(0), std::numeric_limits<T>::infinity());
        clear_where(distance >= parameters.cutoff, T(0));
    }

  private:
    // Gives lanes another energy and no derivatives.
    template <class Mask>
    void clear_where(const Mask& mask, T energy_there) {
        energy = mask ? V{} + energy_there : energy;
        for (int k = 0; k < 3; ++k) {
            gradient.vector[k] = mask ? V{} : gradient.vector[k];
            for (int i = 0; i < 2; ++i) gradient.rotations[i][k] = mask ? V{} : gradient.rotations[i][k];
        }
    }
};

template <class T>
void differentiate(const PairJob<T>& job, const PairTask& task, anisoap::PairTerms<T>* terms, void*) {
    const auto& parameters = *static_cast<const GayBerneParameters<T>*>(job.potential);
    const auto& of_types = parameters.of_types[task.first_type * parameters.n_types + task.second_type];
    for (std::int64_t start = task.start; start < task.end; start += simd<T>::lanes) {
        const GayBerneTerms<T> of_lanes(PairLanes<T>(job, start, task.end), parameters, of_types);
        write_terms<T>(terms + (start - task.start), task.end - start, of_lanes.energy, of_lanes.gradient);
    }
}

}  // namespace

namespace anisoap {
extern const GayBerneKernels IN_THIS_SET(gay_berne_);
const GayBerneKernels IN_THIS_SET(gay_berne_) = {differentiate<double>, differentiate<float>};
}  // namespace anisoap
