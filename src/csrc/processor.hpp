// What an x86-64 processor can run. The compilers' own __builtin_cpu_supports needs a library that Clang does not
// link on Windows.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>

namespace anisoap {

// The registers' contents that the operating system keeps when it switches threads.
inline std::uint64_t kept_registers() {
    std::uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (std::uint64_t{high} << 32) | low;
}

// The level of x86-64 between 2 and 4, by the features that compilers make use of.
inline int x86_64_level() {
    std::uint32_t a, b, c, d;
    constexpr std::uint32_t fma = 1u << 12, xsave_is_on = 1u << 27;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & fma) == 0 || (c & xsave_is_on) == 0) return 2;
    constexpr std::uint64_t ymm = 0x6, zmm = 0xe6;
    const std::uint64_t kept = kept_registers();
    if ((kept & ymm) != ymm || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 2;
    constexpr std::uint32_t bmi = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
    if ((b & (bmi | avx2 | bmi2)) != (bmi | avx2 | bmi2)) return 2;
    constexpr std::uint32_t avx512f = 1u << 16, avx512dq = 1u << 17, avx512cd = 1u << 28, avx512bw = 1u << 30,
                            avx512vl = 1u << 31;
    constexpr std::uint32_t all = avx512f | avx512dq | avx512cd | avx512bw | avx512vl;
    return (b & all) == all && (kept & zmm) == zmm ? 4 : 3;
}

}  // namespace anisoap
#endif
