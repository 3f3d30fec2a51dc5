// Numbers x + ε y with ε² = 0: arithmetic on them carries a derivative along.
#pragma once

#include "simd.hpp"

namespace {

template <class V>
struct Dual {
    V value, dot;
};

template <class V>
inline Dual<V> operator+(const Dual<V>& x, const Dual<V>& y) {
    return {x.value + y.value, x.dot + y.dot};
}
template <class V>
inline Dual<V> operator-(const Dual<V>& x, const Dual<V>& y) {
    return {x.value - y.value, x.dot - y.dot};
}
template <class V>
inline Dual<V> operator*(const Dual<V>& x, const Dual<V>& y) {
    return {x.value * y.value, x.value * y.dot + x.dot * y.value};
}
template <class V, class Scalar>
inline Dual<V> operator*(const Dual<V>& x, Scalar factor) {
    return {x.value * factor, x.dot * factor};
}
template <class V>
inline Dual<V>& operator+=(Dual<V>& x, const Dual<V>& y) {
    x.value += y.value;
    x.dot += y.dot;
    return x;
}

// The number types that kernels are written for: vectors of pairs (plain), or dual numbers of two such vectors.
template <class T>
struct plain {
    using scalar = T;
    using vector = typename simd<T>::type;
    using number = vector;
    static number exponential(const number& x) { return ::exponential<T>(x); }
    static number square_root(const number& x) { return ::square_root<T>(x); }
    static number inverse(const number& x) { return T(1) / x; }
    static number one() { return vector{} + T(1); }
};

template <class T>
struct dual {
    using scalar = T;
    using vector = typename simd<T>::type;
    using number = Dual<vector>;
    static number exponential(const number& x) {
        const vector e = ::exponential<T>(x.value);
        // if e is 0, so is its derivative, even for an infinite x.dot
        return {e, e == vector{} ? vector{} : e * x.dot};
    }
    static number square_root(const number& x) {
        const vector root = ::square_root<T>(x.value);
        return {root, x.dot * T(0.5) / root};
    }
    static number inverse(const number& x) {
        const vector inverse = T(1) / x.value;
        return {inverse, -x.dot * inverse * inverse};
    }
    static number one() { return {vector{} + T(1), vector{}}; }
};

}  // namespace
