// Logarithms and powers of vectors of numbers.
#pragma once

#include "simd.hpp"

namespace {

// ln x in every lane, to a few units in the last place: x = 2^n m with m from about 0.7 to 1.4, and
// ln m = 2 artanh s = 2 (s + s^3/3 + ...), s = (m - 1) / (m + 1). NaN unless x is a normal number > 0.
template <class T>
inline typename simd<T>::type logarithm(typename simd<T>::type x) {
    using V = typename simd<T>::type;
    using bits = number_bits<T>;
    using integer = typename bits::integer;
    using I = typename simd<integer>::type;
    constexpr integer mantissa = (integer(1) << bits::mantissa) - 1;
    constexpr integer exponents = 2 * bits::bias + 1;
    const I all = (I)x;
    const I above = (all & mantissa) > I{} + integer(0.41421356237 * (double(mantissa) + 1));  // m from √2 to 2
    const I power = ((all >> bits::mantissa) & exponents) - bits::bias - above;  // `above` is -1 where true
    const V m = (V)((all & mantissa) | ((bits::bias + above) << bits::mantissa));
    const V s = (m - T(1)) / (m + T(1)), square = s * s;
    constexpr int terms = bits::mantissa > 30 ? 11 : 5;
    V series = V{} + T(1.0 / (2 * terms + 1));
    for (int k = terms - 1; k >= 0; --k) series = series * square + T(1.0 / (2 * k + 1));
    V n{};
    for (int lane = 0; lane < simd<T>::lanes; ++lane) n[lane] = T(power[lane]);
    const V result = n * bits::ln2_high + (T(2) * s * series + n * bits::ln2_low);
    const V smallest = (V)(I{} + (integer(1) << bits::mantissa));
    const V infinity = (V)(I{} + (exponents << bits::mantissa));
    const V nan = infinity - infinity;
    return x >= smallest ? (x < infinity ? result : nan) : nan;
}

// x^exponent for x > 0.
template <class T>
inline typename simd<T>::type power(typename simd<T>::type x, T exponent) {
    if (exponent == T(1)) return x;
    if (exponent == T(0.5)) return square_root<T>(x);
    return exponential<T>(exponent * logarithm<T>(x));
}

}  // namespace
