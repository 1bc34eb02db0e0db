// A mini-batch of many examples for few weights, in pieces: a worker takes a piece from its inputs to its gradient, a few examples at a
// time, so that what is between stays in the first cache; the pieces' gradients are added up in order. Nobody waits for anybody within.
#pragma once
#include "backward.hpp"

namespace chainrule::ISA {

// In how many rounds some examples are gone through, so that activations and deltas of one stay in a part of the second cache
template <class T>
static long rounds_of(const Net<T> &net, const Share &examples) {
    constexpr long room = 96 << 10;
    long numbers = net.x_stride;
    for (int l = 0; l < net.n_layers; ++l) numbers += 2 * net.layers[l].stride;
    const long fit = room / (numbers * long(sizeof(T))), most = fit > most_tile_rows ? fit : most_tile_rows;
    return (examples.count() + most - 1) / most;
}

// The upper layers' w turned over, for a worker's forward passes of a step
template <class T>
static const T *turn_all_over(const Net<T> &net, int rank) {
    T *to = net.turned_whole + rank * net.turned_whole_size;
    for (int l = 1; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        panels_of(widest_panel<T>, Share{0, layer.ld}, [&](long o, long width) { turn_over(layer, o, width, to + layer.turned_at + o * layer.w.columns); });
    }
    return to;
}

// nabla_b and nabla_w of some examples, onto those of others where they are not the first                            (N6-N8, BP3, BP4)
template <class T>
static void gradient_of(const Batch<T> &batch, const Share &examples, T *to, bool onto) {
    for (int l = 0; l < batch.net.n_layers; ++l) {
        const Layer<T> &layer = batch.net.layers[l];
        const Input<T> a = input_of(batch, l), delta{layer.delta, layer.stride}, along = layer.by_inputs ? a : delta, across = layer.by_inputs ? delta : a;
        gradient_b(layer, examples, Share{0, layer.ld}, [&](long o, const T *g, long count) {
            for (long i = 0; i < count; ++i) to[layer.piece_b + o + i] = onto ? to[layer.piece_b + o + i] + g[i] : g[i];
        });
        for (long c = 0; c < layer.w.columns; c += layer.w.panel) {
            const long width = width_at(layer.w, c);
            multiply(Product<T>{along.at + examples.first * along.stride, 1, along.stride, across.at + examples.first * across.stride + c, across.stride,
                                to + layer.piece_w + offset(layer.w, 0, c), width, nullptr, layer.w.rows, width, examples.count(), onto});
        }
    }
}

// A worker's pieces
template <class T>
static void work_through(const Batch<T> &batch, const Worker &worker) {
    const Net<T> &net = batch.net;
    const Share mine = share(batch.pieces, 1, worker);
    for (long p = mine.first; p < mine.last; ++p) {
        const Share piece = share(batch.m, tile_rows<tile_vectors>, Worker{int(p), int(batch.pieces), nullptr});
        const long rounds = rounds_of(net, piece);
        for (long r = 0; r < rounds; ++r) {
            const Share part = share(piece.count(), tile_rows<tile_vectors>, Worker{int(r), int(rounds), nullptr}), few{piece.first + part.first, piece.first + part.last};
            feed_forward(batch, few);
            judge(batch, few, true);
            for (int l = net.n_layers - 2; l >= 0; --l) send_back(batch, l, Part{few, Share{0, net.layers[l].ld}});
            gradient_of(batch, few, net.pieces + p * net.piece_size, r > 0);
        }
    }
}

// A share of what the pieces give for `count` numbers of a gradient, added up in the pieces' order; `use` takes a run at a time. Other
// workers' lines are asked for well before they are needed.
template <class T, class Use>
static void add_up(const Batch<T> &batch, std::int64_t from, long count, const Worker &worker, Use &&use) {
    constexpr long soon = 16 * line<T>;
    const Net<T> &net = batch.net;
    const Share mine = share(count, 4 * line<T>, worker);
    run_of<T>(mine.first, mine.last, [&]<int N>(long i) {
        alignas(Vec<T>) T g[N * lanes<T>];
        UNROLL for (int n = 0; n < N; ++n) {
            const T *piece = net.pieces + from + i + n * lanes<T>;
            Vec<T> sum = load(piece);
            __builtin_prefetch(piece + soon);
            for (long p = 1; p < batch.pieces; ++p) {
                sum += load(piece + p * net.piece_size);
                __builtin_prefetch(piece + p * net.piece_size + soon);
            }
            store(g + n * lanes<T>, sum);
        }
        use(i, g, N * lanes<T>);
    });
}

}  // namespace chainrule::ISA
