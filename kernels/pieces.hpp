// A mini-batch of many examples for few weights, in pieces: a worker takes a piece from its inputs to its gradient, a few examples at a
// time, so that what is between stays near; the pieces' gradients are added up in order. Nobody waits for anybody within.
#pragma once
#include "backward.hpp"

namespace chainrule::ISA {

// In how many rounds some examples are gone through, so that activations and deltas of one stay in a part of the second cache
static long rounds_of(const Net<T> &net, const Share &examples) {
    constexpr long room = 96 << 10;
    long numbers = net.x_stride;
    for (int l = 0; l < net.n_layers; ++l) numbers += 2 * net.layers[l].stride;
    const long fit = room / (numbers * long(sizeof(T))), most = fit > most_tile_rows ? fit : most_tile_rows;
    return (examples.count() + most - 1) / most;
}

// nabla_b and nabla_w of some examples, onto those of others where they are not the first                            (N6-N8, BP3, BP4)
static void gradient_of(const Batch &batch, const Share &examples, T *to, bool onto) {
    for (int l = 0; l < batch.net.n_layers; ++l) {
        const Layer<T> &layer = batch.net.layers[l];
        const Input a = input_of(batch, l), delta{layer.delta, layer.stride}, along = layer.by_inputs ? a : delta, across = layer.by_inputs ? delta : a;
        gradient_b(layer, examples, Share{0, layer.ld}, [&, sums = to + layer.piece_b](long o, const T *g, long count) {
            for (long i = o; i < o + count; ++i) sums[i] = onto ? sums[i] + g[i - o] : g[i - o];
        });
        panels_of(layer.w, [&](long c, long width) {
            multiply(Product{along.at + examples.first * along.stride, 1, along.stride, across.at + examples.first * across.stride + c, across.stride,
                             to + layer.piece_w + offset(layer.w, 0, c), width, nullptr, layer.w.rows, width, examples.count(), onto});
        });
    }
}

// A worker's pieces
static void work_through(Batch &batch, const Worker &worker) {
    const Share mine = share(batch.pieces, 1, worker);
    for (long p = mine.first; p < mine.last; ++p) {
        const Share piece = share(Share{0, batch.m}, tile_rows<tile_vectors>, p, batch.pieces);
        const long rounds = rounds_of(batch.net, piece);
        for (long r = 0; r < rounds; ++r) {
            const Share few = share(piece, tile_rows<tile_vectors>, r, rounds);
            forward_and_back(batch, few, [&](int l) { return whole_rows(batch.net, l, few); });
            batch.turned = true;
            gradient_of(batch, few, batch.net.pieces + p * batch.net.piece_size, r > 0);
        }
    }
}

// A share of what the pieces give for `count` numbers of a gradient, added up in the pieces' order; `use` takes a run at a time. Other
// workers' lines are asked for well before they are needed.
template <class Use>
static void add_up(const Batch &batch, std::int64_t from, long count, const Worker &worker, Use &&use) {
    constexpr long soon = 16 * line<T>;
    const Net<T> &net = batch.net;
    const Share mine = share(count, 4 * line<T>, worker);
    run_of(mine.first, mine.last, [&]<int N>(long i) {
        alignas(Vec<T>) T g[N * lanes<T>];
        UNROLL for (int n = 0; n < N; ++n) {
            const T *piece = net.pieces + from + i + n * lanes<T>;
            Vec<T> sum{};
            for (long p = 0; p < batch.pieces; ++p, piece += net.piece_size) {
                sum += load(piece);
                __builtin_prefetch(piece + soon);
            }
            store(g + n * lanes<T>, sum);
        }
        use(i, g, N * lanes<T>);
    });
}

}  // namespace chainrule::ISA
