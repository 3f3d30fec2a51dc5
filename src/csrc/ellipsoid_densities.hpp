// Coefficients of the densities around ellipsoids: inputs checked, covariances and segments made, moments summed and
// mapped.
#pragma once

#include <deque>
#include <limits>

#include "particles.hpp"
#include "problem.hpp"
#include "row_map.hpp"

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

// The densities around all particles. The input is not legal if an index is out of range, a number is not finite,
// a semi-axis is negative, a quaternion is zero, or an edge is as long as the cutoff to rounding, or longer.
template <class T>
class EllipsoidDensities {
  public:
    EllipsoidDensities(const Particles<T>& particles, const std::vector<int>& types, const EllipsoidEdges<T>& edges,
                     const Densities& densities)
        : edges_(edges), n_(particles.n), densities_(densities), R_(9 * n_), axes_(3 * n_), segments_(edges.n) {
        is_legal = set_particles(particles) && set_segments(types);
        if (densities.own != OwnDensity::of_its_type) return;
        own_segments_.reserve(n_);
        for (std::int64_t j = 0; j < n_; ++j) own_segments_.push_back(j * densities.per_center + types[j]);
    }

    bool is_legal;

    // Moments with one more exponent, and lengths in `unit`.
    void add_moments(double exponent, double unit, int degree, const std::int64_t* positions, int threads) {
        const T beta = T(exponent * unit * unit), root = std::sqrt(beta), scale = T(1 / unit);
        std::vector<T> covariances(9 * n_), weights(n_, T(1));
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
            std::vector<T>& vectors = vectors_.emplace_back(r, r + 3 * edges_.n);
            for (T& number : vectors) number *= scale;
            r = vectors.data();
        }
        moments_.emplace_back(Tensors<const T>{r, covariances.data(), weights.data(), nullptr}, edges_.neighbors,
                              segments_.data(), own_segments_.empty() ? nullptr : own_segments_.data(), edges_.n, n_,
                              n_ * densities_.per_center, beta, degree, positions, threads);
    }

    // Rows y [center, column] = x B, where x [density, exponent, moment] are the moments around a center. There is a
    // center in each lane, so x is [density, exponent, moment, lane], in memory that a cache holds. Returns whether all
    // of y is finite.
    bool map(const GaussianMomentsKernels& kernels, RowsFunction<T> map_rows, int lanes,
             const RowMapJob<T>& to_coefficients, std::size_t map_bytes, int degree) const {
        const std::int64_t pitch = number_of_moments(degree) * moments_.size() * lanes, D = densities_.per_center;
        const std::int64_t n_summed = D - (densities_.own == OwnDensity::separate);  // densities of neighbours
        int overflows = 0;
#pragma omp parallel num_threads(moments_.front().threads()) reduction(| : overflows)
        {
            const Workspace sweep(kernels.workspace_bytes(degree)), map(map_bytes), columns(sizeof(T) * pitch * D);
            T* const x = static_cast<T*>(columns.memory);
            RowMapJob<T> job = to_coefficients;
            job.x = x;
            job.in_lanes = true;
#pragma omp for schedule(dynamic)
            for (std::int64_t center = 0; center < n_; center += lanes) {
                const std::int64_t n = std::min<std::int64_t>(lanes, n_ - center);
                job.y = to_coefficients.y + center * job.dim_out;
                for (std::int64_t k = 0; k < n * job.dim_out; k += 64 / sizeof(T))  // cache lines, for writing
                    __builtin_prefetch(job.y + k, 1);
                T* of_exponent = x;
                for (const Problem<T>& moments : moments_) {
                    for (std::int64_t k = 0; k < n; ++k)
                        moments.value(kernels, (center + k) * D, n_summed, of_exponent + k, pitch, lanes, sweep.memory);
                    if (n_summed < D)
                        moments.value_of_own(kernels, center, n, of_exponent + n_summed * pitch, lanes, sweep.memory);
                    of_exponent += number_of_moments(degree) * lanes;
                }
                for (std::int64_t k = n; k < lanes; ++k)  // the last center once more, as in y
                    for (std::int64_t entry = 0; entry < pitch * D; entry += lanes) x[entry + k] = x[entry + n - 1];
                overflows |= !map_rows(job, 0, n, map.memory);
            }
        }
        return !overflows;
    }

  private:
    EllipsoidEdges<T> edges_;
    std::int64_t n_;
    Densities densities_;
    std::vector<T> R_, axes_;
    std::vector<std::int64_t> segments_, own_segments_;
    std::deque<std::vector<T>> vectors_;  // of edges, in other units
    std::deque<Problem<T>> moments_;      // for each exponent

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
