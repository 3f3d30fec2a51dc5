// Short vectors of numbers, in the width of the instruction set this file is compiled for.
//
// Everything lives in an unnamed namespace: each instruction set compiles its own copy, and the linker
// must never merge them (an AVX-512 copy would crash an older machine).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

// The name of what this instruction set compiles, such as row_map_v4 from IN_THIS_SET(row_map_).
#define PASTE(a, b) a##b
#define PASTE_EXPANDED(a, b) PASTE(a, b)
#define IN_THIS_SET(name) PASTE_EXPANDED(name, INSTRUCTION_SET)

namespace {

#if defined(__AVX512F__) && defined(__AVX512DQ__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

// `typename simd<double>::type` is a vector type of GCC and Clang with the usual arithmetic operators.
template <class T, int bytes = vector_bytes>
struct simd {
    static constexpr int lanes = bytes / sizeof(T);
    typedef T type __attribute__((vector_size(bytes)));
};

template <class T>
struct number_bits;
template <>
struct number_bits<double> {
    using integer = std::int64_t;
    static constexpr int mantissa = 52, bias = 1023, terms = 13;
    // exp is taken as 0 below `lowest`, where its result would be subnormal
    static constexpr double lowest = -708.0, highest = 709.0, round = 6755399441055744.0;
    static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
};
template <>
struct number_bits<float> {
    using integer = std::int32_t;
    static constexpr int mantissa = 23, bias = 127, terms = 7;
    static constexpr float lowest = -87.0f, highest = 88.0f, round = 12582912.0f;
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};

template <class T, int n>
struct inverse_factorials {
    T of[n];
    constexpr inverse_factorials() : of{} {
        double factorial = 1;
        for (int k = 0; k < n; ++k) {
            of[k] = T(1 / factorial);
            factorial *= k + 1;
        }
    }
};

// e^x in every lane, to about one unit in the last place: x = n ln 2 + f, e^x = 2^n e^f, Taylor in f.
template <class T>
inline typename simd<T>::type exponential(typename simd<T>::type x) {
    using V = typename simd<T>::type;
    using bits = number_bits<T>;
    using I = typename simd<typename bits::integer>::type;
    const V clamped = x < bits::lowest ? V{} + bits::lowest : (x > bits::highest ? V{} + bits::highest : x);
    const V shifted = clamped * T(1.4426950408889634074) + bits::round;  // n in the lowest bits
    const V n = shifted - bits::round;
    const V f = (clamped - n * bits::ln2_high) - n * bits::ln2_low;
    static constexpr inverse_factorials<T, bits::terms + 1> inverse{};
    V series = V{} + inverse.of[bits::terms];
    for (int k = bits::terms - 1; k >= 0; --k) series = series * f + inverse.of[k];
    const V zero_point = V{} + bits::round;
    const I power = (I)shifted - (I)zero_point;
    const V scale = (V)((power + bits::bias) << bits::mantissa);
    return x < bits::lowest ? V{} : series * scale;
}

// One number from the row of each lane, as a vector.
template <class T, std::size_t... lane>
inline typename simd<T>::type column(const T* const* rows, int k, std::index_sequence<lane...>) {
    return typename simd<T>::type{rows[lane][k]...};
}

// The square root of every lane.
template <class T>
inline typename simd<T>::type square_root(typename simd<T>::type x) {
    T numbers[simd<T>::lanes];
    std::memcpy(numbers, &x, sizeof x);
    for (T& number : numbers) number = std::sqrt(number);  // one instruction with -fno-math-errno
    std::memcpy(&x, numbers, sizeof x);
    return x;
}

// Sum of all lanes, by halves.
template <class T, int bytes = vector_bytes>
inline T sum_of_lanes(typename simd<T, bytes>::type v) {
    if constexpr (bytes > 16) {
        typename simd<T, bytes / 2>::type half[2];
        std::memcpy(half, &v, sizeof v);
        return sum_of_lanes<T, bytes / 2>(half[0] + half[1]);
    } else {
        T sum = v[0];
        for (int lane = 1; lane < simd<T, bytes>::lanes; ++lane) sum += v[lane];
        return sum;
    }
}

}  // namespace
