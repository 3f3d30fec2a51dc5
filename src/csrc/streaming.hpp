// Writes past the caches, for large arrays that this call does not read: a line is not fetched before it is written.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

constexpr std::size_t larger_than_caches = 4 << 20;  // bytes for which it pays

// Writes a vector if the address is a multiple of its bytes; returns whether it did. Other threads see it after
// finish_streaming().
template <class V>
inline bool stream([[maybe_unused]] void* to, [[maybe_unused]] const V& vector) {
    if (reinterpret_cast<std::uintptr_t>(to) % sizeof vector != 0) return false;
#if defined(__AVX512F__)
    if constexpr (sizeof vector == 64) return _mm512_stream_si512(static_cast<__m512i*>(to), (__m512i)vector), true;
#endif
#if defined(__AVX__)
    if constexpr (sizeof vector == 32) return _mm256_stream_si256(static_cast<__m256i*>(to), (__m256i)vector), true;
#endif
#if defined(__SSE2__)
    if constexpr (sizeof vector == 16) return _mm_stream_si128(static_cast<__m128i*>(to), (__m128i)vector), true;
#endif
    return false;
}

inline void finish_streaming() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace
