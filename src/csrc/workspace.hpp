// Memory of one thread, aligned for any vector; and the check of what a caller hands over.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>

namespace anisoap {

struct Workspace {
    void* memory;
    explicit Workspace(std::size_t bytes) : memory(::operator new(bytes, std::align_val_t(64))) {}
    ~Workspace() { ::operator delete(memory, std::align_val_t(64)); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
};

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

}  // namespace anisoap
