// How several threads run one kernel. Each computes its own share of the numbers, and each number is computed in the same way whoever
// does it: no sum is cut at a share's edge, so that no bit depends on how many they are.
#pragma once
#include <sched.h>

#include "net.hpp"

namespace chainrule::ISA {

// Wait until all have come: for a few microseconds without letting go of the core, then leaving it to whoever else wants it.
static inline void meet(const Worker &worker) {
    constexpr int patience = 20000;
    if (worker.size == 1) return;
    Barrier &barrier = *worker.barrier;
    const unsigned phase = __atomic_load_n(&barrier.phase, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&barrier.arrived, 1, __ATOMIC_ACQ_REL) == unsigned(worker.size)) {
        __atomic_store_n(&barrier.arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier.phase, phase + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&barrier.phase, __ATOMIC_ACQUIRE) == phase;)
        if (spins < patience) ++spins;
        else sched_yield();
}

struct Share {
    long first, last;
    long count() const { return last - first; }
};

// A worker's part of `count` things handed out `granule` at a time.
static inline Share share(long count, long granule, const Worker &worker) {
    const long granules = (count + granule - 1) / granule;
    const long first = granules * worker.rank / worker.size * granule, last = granules * (worker.rank + 1) / worker.size * granule;
    return {first < count ? first : count, last < count ? last : count};
}

// f(first, width) for the units of a share, a panel at a time
template <class F>
static inline void panels_of(long panel, const Share &units, F &&f) {
    for (long o = units.first; o < units.last;) {
        const long end = (o & -panel) + panel, next = end < units.last ? end : units.last;
        f(o, next - o);
        o = next;
    }
}

}  // namespace chainrule::ISA
