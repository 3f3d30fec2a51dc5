// Particles as a user gives them: types, orientations and semi-axes; and what is legal.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace anisoap {

template <class T>
struct Particles {
    const std::int64_t* types;  // [particle], as the user counts them
    const T* orientations;      // [particle, 4] or [particle, 3, 3]
    bool are_quaternions;
    const T* semiaxes;  // [particle, 3]
    std::int64_t n;
};

// The rotation matrix of particle j, row by row; false for a quaternion of zero.
template <class T>
bool rotation_of(const Particles<T>& particles, std::int64_t j, T (&R)[9]) {
    if (!particles.are_quaternions) {
        for (int k = 0; k < 9; ++k) R[k] = particles.orientations[9 * j + k];
        return true;
    }
    const T* q = particles.orientations + 4 * j;
    const T largest = std::max(std::max(std::abs(q[0]), std::abs(q[1])), std::max(std::abs(q[2]), std::abs(q[3])));
    if (!(largest > 0)) return false;
    const T w = q[0] / largest, x = q[1] / largest, y = q[2] / largest, z = q[3] / largest;
    const T ww = w * w, xx = x * x, yy = y * y, zz = z * z, scale = 1 / (ww + xx + yy + zz), twice = 2 * scale;
    const T matrix[9] = {(ww + xx - yy - zz) * scale, (x * y - w * z) * twice,     (x * z + w * y) * twice,
                         (x * y + w * z) * twice,     (ww - xx + yy - zz) * scale, (y * z - w * x) * twice,
                         (x * z - w * y) * twice,     (y * z + w * x) * twice,     (ww - xx - yy + zz) * scale};
    for (int k = 0; k < 9; ++k) R[k] = matrix[k];
    return true;
}

// R diag(squares) R^T.
template <class T>
void rotate(const T* R, const T* squares, T (&out)[6]) {
    int entry = 0;
    for (int i = 0; i < 3; ++i)
        for (int j = i; j < 3; ++j, ++entry)
            out[entry] = R[3 * i] * squares[0] * R[3 * j] + R[3 * i + 1] * squares[1] * R[3 * j + 1] +
                         R[3 * i + 2] * squares[2] * R[3 * j + 2];
}

template <class T>
bool all_finite(const T* numbers, std::int64_t n) {
    bool finite = true;
    for (std::int64_t k = 0; k < n; ++k) finite &= numbers[k] * 0 == 0;
    return finite;
}

// Positions of types in the list that a potential knows; false for an unknown type.
inline bool find_types(const std::int64_t* types, std::int64_t n, const std::vector<std::int64_t>& known,
                       std::vector<int>& out) {
    out.resize(n);
    for (std::int64_t j = 0; j < n; ++j) {
        int index = 0;
        while (index < int(known.size()) && known[index] != types[j]) ++index;
        if (index == int(known.size())) return false;
        out[j] = index;
    }
    return true;
}

}  // namespace anisoap
