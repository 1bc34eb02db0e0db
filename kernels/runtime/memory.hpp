// The memory of a session.
#pragma once
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "linalg/panels.hpp"

namespace chainrule::host {

// Arrays aligned to cache lines, all 0, that live as long as the arena.
class Arena {
public:
    // Throws std::bad_alloc where memory runs out.
    template <class T>
    T *allocate(std::int64_t count) {
        if (count < 0 || count > std::numeric_limits<std::int64_t>::max() / 64) {
            throw std::bad_alloc();
        }
        const std::size_t bytes = padded_size(std::size_t(count) * sizeof(T));
        void *block = std::aligned_alloc(cache_line_bytes, bytes);
        if (block == nullptr) {
            throw std::bad_alloc();
        }
        blocks.emplace_back(block, &std::free);
        request_large_pages(block, bytes);
        std::memset(block, 0, bytes);
        return static_cast<T *>(block);
    }

    void clear() { blocks.clear(); }

private:
    std::vector<std::unique_ptr<void, void (*)(void *)>> blocks;

    // An odd number of cache lines, so that one index of w, m and v does not map to one cache set.
    static std::size_t padded_size(std::size_t bytes) {
        const std::size_t lines = (bytes + cache_line_bytes - 1) / cache_line_bytes;
        return (lines | 1) * cache_line_bytes;
    }

    // Large pages need fewer look-ups where a step passes through megabytes. Linux may ignore this.
    static void request_large_pages([[maybe_unused]] void *block,
                                    [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
        constexpr std::uintptr_t page = 4096;
        constexpr std::size_t large_page = 2 << 20;
        if (bytes < 2 * large_page) {
            return;
        }
        const auto address = reinterpret_cast<std::uintptr_t>(block);
        const std::uintptr_t first_page = (address + page - 1) / page * page;
        madvise(reinterpret_cast<void *>(first_page), bytes - page, MADV_HUGEPAGE);
#endif
    }
};

}  // namespace chainrule::host
