// Scratch memory of a thread, huge pages for large outputs, and the check of arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace anisoap {

// Scratch memory of one thread, aligned for any vector.
struct Workspace {
    void* memory;
    explicit Workspace(std::size_t bytes) : memory(::operator new(bytes, std::align_val_t(64))) {}
    ~Workspace() { ::operator delete(memory, std::align_val_t(64)); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
};

// Asks for pages of 2 MB under an array that is about to be written. Fresh memory comes page by page, and the
// pages of 4 KB that it comes in otherwise take several times as long as writing them.
inline void prefer_huge_pages([[maybe_unused]] void* array, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    constexpr std::uintptr_t page = 1 << 21;
    const auto first = (reinterpret_cast<std::uintptr_t>(array) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(array) + bytes) / page * page;
    if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);  // only a hint
#endif
}

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

}  // namespace anisoap
