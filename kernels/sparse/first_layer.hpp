// The first layer of a sparse example: a weighted sum of a few rows of W.
#pragma once
#include "linalg/simd.hpp"
#include "runtime/mini_batch.hpp"
#include "sparse/csr.hpp"

namespace chainrule::ISA {

// Whether a panel of W exceeds the second-level cache, so that its rows are worth prefetching.
static inline bool panel_is_large(const Layer<T> &layer, long width) {
    constexpr long second_level_cache = 1 << 20;
    return layer.w.rows * width * long(sizeof(T)) > second_level_cache;
}

// z = b + w_scale * (sum over an example's entries of x_k W[k]) of a region; one panel of W at a
// time, so that it stays in the cache                                                         (N10)
static void sparse_weighted_input(const Layer<T> &layer, const Data &data,
                                  const MiniBatchRows &rows, const Region &region, T w_scale) {
    const bool prefetch_rows = panel_is_large(layer, panel_at(layer.w, region.units.first).width);
    T *const all_z = weighted_inputs_of(layer);
    for_each_run(layer.w, region.units, [&]<int N>(long o) {
        const T *w = layer.w.data + offset(layer.w, 0, o);
        const T *b = layer.b + o;
        const long width = panel_at(layer.w, o).width;
        for (long i = region.examples.first; i < region.examples.last; ++i) {
            const auto finish = [z = all_z + i * layer.stride + o, b, w_scale](int n, Vec<T> sum) {
                store(z + n * lanes<T>, load(b + n * lanes<T>) + w_scale * sum);
            };
            with_csr_row(data, rows[i], [&](auto *columns, auto *values, long count) {
                if (prefetch_rows) {
                    sum_of_rows<N, accumulators, true>(w, width, columns, values, count, finish);
                } else {
                    sum_of_rows<N, accumulators, false>(w, width, columns, values, count, finish);
                }
            });
        }
    });
}

}  // namespace chainrule::ISA
