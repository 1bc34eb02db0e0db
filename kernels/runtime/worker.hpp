// How several threads run one kernel: each worker computes its own range of the results.
//
// Every number is computed by one worker, in the same way on each, and no sum is cut at the edge of
// a range, so that no bit depends on the number of workers.
#pragma once
#include <cstdint>

#include "linalg/panels.hpp"

namespace chainrule {

struct Barrier {
    alignas(cache_line_bytes) unsigned arrived;
    alignas(cache_line_bytes) unsigned phase;
    // The next task, where tasks are independent and workers take them one by one.
    alignas(cache_line_bytes) std::int64_t next_task;
};

// One of `size` threads that run a kernel together.
struct Worker {
    int rank;
    int size;
    Barrier *barrier;
};

// Part k of n of a range, in multiples of `granule`.
static inline Range part_of_range(const Range &all, long granule, long k, long n) {
    const long granules = (length(all) + granule - 1) / granule;
    const long first = all.first + granules * k / n * granule;
    const long last = all.first + granules * (k + 1) / n * granule;
    return {
        .first = first < all.last ? first : all.last,
        .last = last < all.last ? last : all.last,
    };
}

// A worker's part of [0, count).
static inline Range range_of_worker(long count, long granule, const Worker &worker) {
    return part_of_range({.first = 0, .last = count}, granule, worker.rank, worker.size);
}

}  // namespace chainrule

#ifdef ISA
#include <sched.h>

namespace chainrule::ISA {

// Waits until all workers have arrived: spins for a few microseconds, then yields the core.
static inline void wait_at_barrier(const Worker &worker) {
    constexpr int spins_before_yield = 20000;
    if (worker.size == 1) {
        return;
    }
    Barrier &barrier = *worker.barrier;
    const unsigned phase = __atomic_load_n(&barrier.phase, __ATOMIC_RELAXED);
    const unsigned arrived = __atomic_add_fetch(&barrier.arrived, 1, __ATOMIC_ACQ_REL);
    if (arrived == unsigned(worker.size)) {
        __atomic_store_n(&barrier.arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier.phase, phase + 1, __ATOMIC_RELEASE);
        return;
    }
    int spins = 0;
    while (__atomic_load_n(&barrier.phase, __ATOMIC_ACQUIRE) == phase) {
        if (spins < spins_before_yield) {
            ++spins;
        } else {
            sched_yield();
        }
    }
}

}  // namespace chainrule::ISA
#endif  // ISA
