// Search for the edges of a small frame by brute force over periodic images.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace anisoap {

// Edges sorted by centre, then by the neighbour's type, index and image; graph/images.py has the definition.
class ImageSearch {
  public:
    static constexpr double most_comparisons = 250000;

    std::vector<std::int64_t> neighbors, centers;  // [edge]
    std::vector<double> shifts;                    // [edge, 3], whole numbers of cell vectors
    bool is_served;                                // false for large frames and unusual numbers

    // `points` [particle, 3] and `cell` [3, 3], or null for an open frame; `types` [particle].
    ImageSearch(const double* points, const std::int64_t* types, std::int64_t n, double cutoff, const double* cell) {
        double farthest = 0;
        for (std::int64_t k = 0; k < 3 * n; ++k) farthest = std::max(farthest, std::abs(points[k]));
        is_served = n > 0 && cutoff < 1e6 && farthest < 1e4 * cutoff && double(n) * n < most_comparisons;
        if (!is_served) return;
        is_served = cell ? set_images(points, types, n, cutoff, cell, farthest) : set_particles(points, types, n);
        if (is_served) search(points, n, cutoff);
    }

  private:
    // Images that can be within the cutoff of some particle: their positions are x + s.
    std::vector<std::int64_t> particle_;
    std::vector<double> x_[3], s_[3], whole_[3];

    static std::vector<std::int64_t> by_type(const std::int64_t* types, std::int64_t n) {
        std::vector<std::int64_t> order(n);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [types](auto a, auto b) { return types[a] < types[b]; });
        return order;
    }

    void add_image(const double* points, std::int64_t j, const double (&shift)[3], const double (&whole)[3]) {
        particle_.push_back(j);
        for (int k = 0; k < 3; ++k) {
            x_[k].push_back(points[3 * j + k]);
            s_[k].push_back(shift[k]);
            whole_[k].push_back(whole[k]);
        }
    }

    bool set_particles(const double* points, const std::int64_t* types, std::int64_t n) {
        for (const std::int64_t j : by_type(types, n)) add_image(points, j, {0, 0, 0}, {0, 0, 0});
        return true;
    }

    bool set_images(const double* points, const std::int64_t* types, std::int64_t n, double cutoff, const double* cell,
                    double farthest) {
        double dual[3][3], height[3], determinant = 0, longest = 0;  // fractions are dual . points / determinant
        for (int k = 0; k < 3; ++k) {
            const double *u = cell + 3 * ((k + 1) % 3), *v = cell + 3 * ((k + 2) % 3);
            for (int i = 0; i < 3; ++i) {
                const int a = (i + 1) % 3, b = (i + 2) % 3;
                dual[k][i] = u[a] * v[b] - u[b] * v[a];
                longest = std::max(longest, std::abs(cell[3 * k + i]));
            }
        }
        for (int i = 0; i < 3; ++i) determinant += cell[i] * dual[0][i];
        if (!(std::abs(determinant) > 1e-6 * longest * longest * longest)) return false;
        for (int k = 0; k < 3; ++k) {
            const double area = dual[k][0] * dual[k][0] + dual[k][1] * dual[k][1] + dual[k][2] * dual[k][2];
            height[k] = std::abs(determinant) / std::sqrt(area);
            const double smallest = std::min(cutoff, height[k]);
            if (!(height[k] > 0.1 * cutoff && std::max(farthest, longest) < 1e4 * smallest)) return false;
        }
        std::vector<double> fractions(3 * n);
        double lowest[3], highest[3], reach[3], count = double(n) * n;
        int extent[3];
        for (int k = 0; k < 3; ++k) {
            for (std::int64_t j = 0; j < n; ++j) {
                const double* p = points + 3 * j;
                const double f = (dual[k][0] * p[0] + dual[k][1] * p[1] + dual[k][2] * p[2]) / determinant;
                fractions[3 * j + k] = f;
                lowest[k] = j == 0 ? f : std::min(lowest[k], f);
                highest[k] = j == 0 ? f : std::max(highest[k], f);
            }
            reach[k] = cutoff / height[k] * (1 + 1e-6) + 1e-6;  // fractions are rounded
            extent[k] = int(highest[k] - lowest[k] + reach[k]);
            count *= highest[k] - lowest[k] + 2 * reach[k];
        }
        if (!(count < most_comparisons)) return false;
        const auto is_near = [&](std::int64_t j, int k, int whole) {
            const double middle = 0.5 * (lowest[k] + highest[k]);
            return std::abs(fractions[3 * j + k] + whole - middle) <= 0.5 * (highest[k] - lowest[k]) + reach[k];
        };
        for (const std::int64_t j : by_type(types, n))
            for (int a = -extent[0]; a <= extent[0]; ++a) {
                if (!is_near(j, 0, a)) continue;
                for (int b = -extent[1]; b <= extent[1]; ++b) {
                    if (!is_near(j, 1, b)) continue;
                    for (int c = -extent[2]; c <= extent[2]; ++c) {
                        if (!is_near(j, 2, c)) continue;
                        double shift[3];
                        for (int k = 0; k < 3; ++k) shift[k] = a * cell[k] + b * cell[3 + k] + c * cell[6 + k];
                        add_image(points, j, shift, {double(a), double(b), double(c)});
                    }
                }
            }
        return true;
    }

    void search(const double* points, std::int64_t n, double cutoff) {
        const std::int64_t n_images = particle_.size();
        std::vector<double> squares(n_images);
        for (std::int64_t i = 0; i < n; ++i) {
            const double px = points[3 * i], py = points[3 * i + 1], pz = points[3 * i + 2];
            // the same number for both directions of a pair
            for (std::int64_t m = 0; m < n_images; ++m) {
                const double x = x_[0][m] - px + s_[0][m], y = x_[1][m] - py + s_[1][m], z = x_[2][m] - pz + s_[2][m];
                squares[m] = x * x + y * y + z * z;
            }
            for (std::int64_t m = 0; m < n_images; ++m) {
                if (!(squares[m] < cutoff * cutoff)) continue;
                if (particle_[m] == i && whole_[0][m] == 0 && whole_[1][m] == 0 && whole_[2][m] == 0) continue;
                neighbors.push_back(particle_[m]);
                centers.push_back(i);
                for (int k = 0; k < 3; ++k) shifts.push_back(whole_[k][m]);
            }
        }
    }
};

}  // namespace anisoap
