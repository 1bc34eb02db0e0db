// The linker sends the test program's calls of malloc, calloc, realloc and aligned_alloc here
// (--wrap); C++'s operator new, replaced below, calls malloc.
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> count = 0;
}

long allocation_count() {
    return count;
}

extern "C" {
void *__real_malloc(std::size_t);
void *__real_calloc(std::size_t, std::size_t);
void *__real_realloc(void *, std::size_t);
void *__real_aligned_alloc(std::size_t, std::size_t);

void *__wrap_malloc(std::size_t bytes) {
    ++count;
    return __real_malloc(bytes);
}

void *__wrap_calloc(std::size_t n, std::size_t bytes) {
    ++count;
    return __real_calloc(n, bytes);
}

void *__wrap_realloc(void *block, std::size_t bytes) {
    ++count;
    return __real_realloc(block, bytes);
}

void *__wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
    ++count;
    return __real_aligned_alloc(alignment, bytes);
}
}

void *operator new(std::size_t bytes) {
    void *block = std::malloc(bytes > 0 ? bytes : 1);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

void *operator new(std::size_t bytes, std::align_val_t alignment) {
    const std::size_t granule = std::size_t(alignment);
    void *block = std::aligned_alloc(granule, (bytes + granule - 1) / granule * granule);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

void operator delete(void *block) noexcept {
    std::free(block);
}

void operator delete(void *block, std::size_t) noexcept {
    std::free(block);
}

void operator delete(void *block, std::align_val_t) noexcept {
    std::free(block);
}

void operator delete(void *block, std::size_t, std::align_val_t) noexcept {
    std::free(block);
}
