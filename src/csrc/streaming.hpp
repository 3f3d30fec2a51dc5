// Writes past the caches, for large arrays that this call does not read: a line is not fetched before it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

constexpr std::size_t larger_than_caches = 4 << 20;  // bytes for which it pays

// Copies bytes. Other threads see them after finish_streaming().
inline void stream(void* to, const void* from, std::size_t bytes) {
#if defined(__SSE2__)
    const auto aligned = [](const void* at) { return reinterpret_cast<std::uintptr_t>(at) % sizeof(__m128i) == 0; };
    if (aligned(to) && aligned(from) && bytes % sizeof(__m128i) == 0) {
        const auto *next = static_cast<const __m128i*>(from), *end = next + bytes / sizeof(__m128i);
        for (auto* out = static_cast<__m128i*>(to); next < end; ++next, ++out)
            _mm_stream_si128(out, _mm_load_si128(next));
        return;
    }
#endif
    std::memcpy(to, from, bytes);
}

inline void finish_streaming() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

}  // namespace
