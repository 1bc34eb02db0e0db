// How several threads run one kernel. Each computes its own share of the numbers, and each number is computed in the same way whoever
// does it: no sum is cut at a share's edge, so that no bit depends on how many they are.
#pragma once
#include <sched.h>

#include "simd.hpp"

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

struct Share { long first, last; long count() const { return last - first; } };

// Part k of n of some things handed out `granule` at a time, or a worker's part.
static inline Share share(const Share &all, long granule, long k, long n) {
    const long granules = (all.count() + granule - 1) / granule;
    const long first = all.first + granules * k / n * granule, last = all.first + granules * (k + 1) / n * granule;
    return {first < all.last ? first : all.last, last < all.last ? last : all.last};
}
static inline Share share(long count, long granule, const Worker &worker) { return share(Share{0, count}, granule, worker.rank, worker.size); }

static inline Share units_of(const Layer<T> &layer, const Worker &worker) { return share(layer.ld, layer.grain, worker); }
static inline Share rows_of(const Layer<T> &layer, const Worker &worker) { return share(layer.w.rows, line<T>, worker); }

// f(first, width) for some columns, all of them if none are named, a panel at a time
template <class F>
static inline void panels_of(const Panels<T> &w, const Share &columns, F &&f) {
    for (long c = columns.first, next; c < columns.last; c = next) {
        const Panel panel = panel_at(w, c);
        next = panel.first + panel.width < columns.last ? panel.first + panel.width : columns.last;
        f(c, next - c);
    }
}
template <class F>
static inline void panels_of(const Panels<T> &w, F &&f) { panels_of(w, Share{0, w.columns}, f); }

}  // namespace chainrule::ISA
