// The memory of a session.
#pragma once
#include <sys/mman.h>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "net.hpp"

namespace chainrule::host {  // compiled once, for any processor

// Aligned memory, all 0, given back at the end.
class Arena {
   public:
    template <class T>
    T *take(std::int64_t count) {
        // An odd number of cache lines, so that w, m and v of one place don't fall into one cache set.
        if (count < 0 || count > std::numeric_limits<std::int64_t>::max() / 64) throw std::bad_alloc();
        const std::size_t bytes = ((std::size_t(count) * sizeof(T) + cache_line - 1) / cache_line | 1) * cache_line;
        auto *p = static_cast<T *>(std::aligned_alloc(cache_line, bytes));
        if (!p) throw std::bad_alloc();
        ask_for_large_pages(reinterpret_cast<std::uintptr_t>(p), bytes);
        std::memset(static_cast<void *>(p), 0, bytes);
        blocks.emplace_back(p, &std::free);
        return p;
    }
    void clear() { blocks.clear(); }

   private:
    std::vector<std::unique_ptr<void, void (*)(void *)>> blocks;

    // Where a step passes through megabytes, so that fewer pages are to be looked up, and brought in at first. Linux refuses in vain.
    static void ask_for_large_pages([[maybe_unused]] std::uintptr_t p, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
        constexpr std::uintptr_t page = 4096, large = 2 << 20;
        if (bytes >= 2 * large) madvise(reinterpret_cast<void *>((p + page - 1) / page * page), bytes - page, MADV_HUGEPAGE);
#endif
    }
};

}  // namespace chainrule::host
