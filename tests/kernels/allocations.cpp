// Counts what the tests' own objects ask for: the linker sends their calls of malloc and its kin here (--wrap), and C++'s new comes by malloc.
#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> count = 0;
}
long allocations() { return count; }

extern "C" {
void *__real_malloc(std::size_t);
void *__real_calloc(std::size_t, std::size_t);
void *__real_realloc(void *, std::size_t);
void *__real_aligned_alloc(std::size_t, std::size_t);
void *__wrap_malloc(std::size_t bytes) { return ++count, __real_malloc(bytes); }
void *__wrap_calloc(std::size_t n, std::size_t bytes) { return ++count, __real_calloc(n, bytes); }
void *__wrap_realloc(void *p, std::size_t bytes) { return ++count, __real_realloc(p, bytes); }
void *__wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) { return ++count, __real_aligned_alloc(alignment, bytes); }
}

void *operator new(std::size_t bytes) {
    if (void *p = std::malloc(bytes ? bytes : 1)) return p;
    throw std::bad_alloc();
}
void *operator new(std::size_t bytes, std::align_val_t alignment) {
    const std::size_t by = std::size_t(alignment);
    if (void *p = std::aligned_alloc(by, (bytes + by - 1) / by * by)) return p;
    throw std::bad_alloc();
}
void operator delete(void *p) noexcept { std::free(p); }
void operator delete(void *p, std::size_t) noexcept { std::free(p); }
void operator delete(void *p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void *p, std::size_t, std::align_val_t) noexcept { std::free(p); }
