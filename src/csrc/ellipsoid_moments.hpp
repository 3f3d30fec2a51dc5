// Moments of the densities of ellipsoids in one call: inputs checked, covariances and segments made, moments summed.
#pragma once

#include <limits>

#include "particles.hpp"
#include "problem.hpp"

namespace anisoap {

enum class OwnDensity { left_out, of_its_type, separate };

// The densities around each particle: one for each type, and perhaps the particle's own.
struct Densities {
    std::int64_t per_center;
    OwnDensity own;
    double width;  // standard deviations, in units of the semi-axes
    double cutoff;
};

template <class T>
struct EllipsoidEdges {
    const T* vectors;                         // [edge, 3]
    const std::int64_t *neighbors, *centers;  // [edge]
    std::int64_t n;
};

// Arguments of gaussian_moments for ellipsoids. They are not legal if an index is out of range, a number is not finite,
// a semi-axis is negative, a quaternion is zero, or an edge is as long as the cutoff to rounding, or longer.
template <class T>
class EllipsoidMoments {
  public:
    EllipsoidMoments(const Particles<T>& particles, const std::vector<int>& types, const EllipsoidEdges<T>& edges,
                     const Densities& densities)
        : edges_(edges), n_(particles.n), densities_(densities), R_(9 * n_), axes_(3 * n_), segments_(edges.n) {
        is_legal = set_particles(particles) && set_segments(types);
        if (densities.own == OwnDensity::left_out) return;
        for (std::int64_t j = 0; j < n_; ++j) {
            const bool separate = densities.own == OwnDensity::separate;
            own_segments_.push_back(j * densities.per_center + (separate ? densities.per_center - 1 : types[j]));
        }
    }

    bool is_legal;

    // Writes [segment, moment] for one exponent, with lengths in `unit`.
    void value(const GaussianMomentsKernels& kernels, double exponent, double unit, int degree,
               const std::int64_t* positions, int threads, T* moments) const {
        const T beta = T(exponent * unit * unit), root = std::sqrt(beta), scale = T(1 / unit);
        std::vector<T> covariances(9 * n_), weights(n_, T(1)), vectors;
        for (std::int64_t j = 0; j < n_; ++j) {
            T squares[3], six[6];
            for (int k = 0; k < 3; ++k) {
                const T axis = axes_[3 * j + k] * scale, growth = std::hypot(T(1), root * axis);
                squares[k] = (axis / growth) * (axis / growth);
                weights[j] /= growth;
            }
            rotate(R_.data() + 9 * j, squares, six);
            const T full[9] = {six[0], six[1], six[2], six[1], six[3], six[4], six[2], six[4], six[5]};
            std::copy(full, full + 9, covariances.begin() + 9 * j);
        }
        const T* r = edges_.vectors;
        if (unit != 1) {
            vectors.assign(r, r + 3 * edges_.n);
            for (T& number : vectors) number *= scale;
            r = vectors.data();
        }
        Problem<T>({r, covariances.data(), weights.data(), nullptr}, edges_.neighbors, segments_.data(),
                   own_segments_.empty() ? nullptr : own_segments_.data(), edges_.n, n_, n_ * densities_.per_center,
                   beta, degree, positions, threads)
            .value(kernels, moments);
    }

  private:
    EllipsoidEdges<T> edges_;
    std::int64_t n_;
    Densities densities_;
    std::vector<T> R_, axes_;
    std::vector<std::int64_t> segments_, own_segments_;

    bool set_particles(const Particles<T>& particles) {
        for (std::int64_t j = 0; j < n_; ++j) {
            const T* axes = particles.semiaxes + 3 * j;
            T R[9];
            if (!rotation_of(particles, j, R) || !all_finite(R, 9) || !all_finite(axes, 3)) return false;
            if (!(axes[0] >= 0 && axes[1] >= 0 && axes[2] >= 0)) return false;
            std::copy(R, R + 9, R_.begin() + 9 * j);
            for (int k = 0; k < 3; ++k) axes_[3 * j + k] = T(densities_.width) * axes[k];
        }
        return true;
    }

    bool set_segments(const std::vector<int>& types) {
        const std::uint64_t n = n_;
        const double within = densities_.cutoff * (1 - 8 * double(std::numeric_limits<T>::epsilon()));
        const T squared = T(within * within);
        bool legal = true;
        for (std::int64_t edge = 0; edge < edges_.n; ++edge) {
            const std::int64_t neighbor = edges_.neighbors[edge], center = edges_.centers[edge];
            if (std::uint64_t(neighbor) >= n || std::uint64_t(center) >= n) return false;
            const T* r = edges_.vectors + 3 * edge;
            legal &= r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < squared;  // false for NaN
            segments_[edge] = center * densities_.per_center + types[neighbor];
        }
        return legal;
    }
};

}  // namespace anisoap
