// A mini-batch with many examples for few weights is cut into microbatches.
//
// One worker takes a microbatch from its inputs to its gradient, a round of examples at a time, so
// that activations and deltas stay in the cache; the microbatches' gradients are added up in their
// order. Workers do not wait for each other within a microbatch.
#pragma once
#include "calculus/backprop.hpp"

namespace chainrule::ISA {

// The number of rounds for some examples: the activations and deltas of one round fit into a part
// of the second-level cache.
static long rounds_of(const Network<T> &network, const Range &examples) {
    constexpr long cache_bytes = 96 << 10;
    long numbers_per_example = network.x_stride;
    for (int l = 0; l < network.n_layers; ++l) {
        numbers_per_example += 2 * network.layers[l].stride;
    }
    const long fit = cache_bytes / (numbers_per_example * long(sizeof(T)));
    const long max_examples = fit > max_tile_rows ? fit : max_tile_rows;
    return (length(examples) + max_examples - 1) / max_examples;
}

// The gradients of a worker's microbatches, each into its buffer.
static void gradients_of_microbatches(MiniBatch &batch, const Worker &worker) {
    constexpr long granule = tile_rows<tile_vectors>;
    constexpr long whole_microbatches = 1;
    const Range mine = range_of_worker(batch.microbatches, whole_microbatches, worker);
    for (long k = mine.first; k < mine.last; ++k) {
        const Range all{.first = 0, .last = batch.m};
        const Range microbatch = part_of_range(all, granule, k, batch.microbatches);
        T *const buffer =
            batch.network.microbatch_gradients + k * batch.network.microbatch_gradient_size;
        const long rounds = rounds_of(batch.network, microbatch);
        for (long r = 0; r < rounds; ++r) {
            const Range examples = part_of_range(microbatch, granule, r, rounds);
            deltas(batch, examples, [&](int l) { return all_units(batch.network, l, examples); });
            batch.transposed_is_valid = true;
            nabla_into(batch, examples, buffer,
                       r > 0 ? WriteMode::accumulate : WriteMode::overwrite);
        }
    }
}

// A worker's part of the sum of the microbatches' gradients, in their order: `count` numbers that
// begin at `first` in each buffer; use(index, sums, count) takes a run at a time. The buffers of
// other workers are prefetched well ahead.
template <class Use>
static void sum_of_microbatches(const MiniBatch &batch, std::int64_t first, long count,
                                const Worker &worker, Use &&use) {
    constexpr long prefetch_distance = 16 * line<T>;
    const Network<T> &network = batch.network;
    const Range mine = range_of_worker(count, 4 * line<T>, worker);
    for_each_run(mine.first, mine.last, [&]<int N>(long i) {
        alignas(Vec<T>) T sums[N * lanes<T>];
        UNROLL
        for (int n = 0; n < N; ++n) {
            const T *buffer = network.microbatch_gradients + first + i + n * lanes<T>;
            Vec<T> sum{};
            for (long k = 0; k < batch.microbatches; ++k) {
                sum += load(buffer);
                __builtin_prefetch(buffer + prefetch_distance);
                buffer += network.microbatch_gradient_size;
            }
            store(sums + n * lanes<T>, sum);
        }
        use(i, sums, N * lanes<T>);
    });
}

}  // namespace chainrule::ISA
