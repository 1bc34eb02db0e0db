// From the output's delta to the gradient of every parameter, and what becomes of it: BP2, BP3, BP4.
#pragma once
#include "forward.hpp"

namespace chainrule::ISA {

// delta <- (delta_next @ w_next) * sigma'(z) for a part of layer l, a panel of units at a time                                 (BP2)
template <class T>
static void send_back(const Batch<T> &batch, int l, const Part &part) {
    const Layer<T> &layer = batch.net.layers[l], &next = batch.net.layers[l + 1];
    const long first = part.examples.first, rows = part.examples.count();
    panels_of(next.w.panel, part.units, [&](long o, long width) {
        const long at = first * layer.stride + o;
        const Block<T> delta{layer.delta + at, rows, layer.stride, width};
        multiply(Product<T>{next.delta + first * next.stride, next.stride, 1, next.w.at + offset(next.w, 0, o), width_at(next.w, o), delta.at,
                            layer.stride, nullptr, rows, width, next.n_out, false, false, layer.activation == Activation::relu ? layer.a + at : nullptr});
        if (batch.training && layer.dropout > 0) through_mask(delta, layer.mask + at);
        if (layer.activation != Activation::relu) pull_back(layer.activation, delta, layer.a + at);
    });
}

// nabla_b = sum of delta's rows, a run of units at a time; `use` takes each piece at its place                            (N8, BP3)
template <class T, class Use>
static void gradient_b(const Layer<T> &layer, const Share &examples, const Share &units, Use &&use) {
    run_of<T>(units.first, units.last, [&]<int N>(long o) {
        alignas(Vec<T>) T g[N * lanes<T>];
        Vec<T> sum[N]{};
        for (long i = examples.first; i < examples.last; ++i)
            UNROLL for (int n = 0; n < N; ++n) sum[n] += load(layer.delta + i * layer.stride + o + n * lanes<T>);
        UNROLL for (int n = 0; n < N; ++n) store(g + n * lanes<T>, sum[n]);
        use(o, g, N * lanes<T>);
    });
}

// nabla_w = delta.T @ a_prev for a share of w's rows, a tile at a time; `use` takes each tile at its place while it is in the first
// cache, so that the gradient needn't be written anywhere                                                             (N6, N7, BP4)
template <class T, class Use>
static void gradient_w(const Batch<T> &batch, int l, const Share &rows, Use &&use) {
    const Layer<T> &layer = batch.net.layers[l];
    const Input<T> a = input_of(batch, l), delta{layer.delta, layer.stride}, along = layer.by_inputs ? a : delta, across = layer.by_inputs ? delta : a;
    alignas(cache_line) T g[most_tile_rows * widest_panel<T>];
    for (long c = 0; c < layer.w.columns; c += layer.w.panel) {
        const long width = width_at(layer.w, c), tallest = width / lanes<T> == 4 ? tile_rows<4> : width / lanes<T> == 3 ? tile_rows<3> : most_tile_rows;
        const long tiles = (rows.count() + tallest - 1) / tallest;
        for (long t = 0, r = rows.first; t < tiles; ++t) {
            const long next = rows.first + rows.count() * (t + 1) / tiles;
            multiply(Product<T>{along.at + r, 1, along.stride, across.at + c, across.stride, g, width, nullptr, next - r, width, batch.m});
            use(offset(layer.w, r, c), g, (next - r) * width);
            r = next;
        }
    }
}

// The same of a sparse first layer for a share of its units, whose panels are the worker's own, from the batch's lists of a share of the
// inputs. An input never met has no gradient, and nothing to remember: it is passed over where all are not asked for.
template <class T, class Use>
static void gradient_w_by_lists(const Batch<T> &batch, const Lists<T> &lists, const Share &inputs, const Share &units, bool all_of_them, Use &&use) {
    constexpr long rows = 4;
    const Layer<T> &layer = batch.net.layers[0];
    alignas(cache_line) T g[rows * widest_panel<T>];
    for (long o = units.first; o < units.last; o += layer.w.panel) {
        const long width = width_at(layer.w, o);
        for (long k = inputs.first; k < inputs.last; k += rows) {
            const long count = inputs.last - k < rows ? inputs.last - k : rows;
            bool needed = all_of_them;
            for (long r = 0; r < count; ++r) needed |= layer.met[k + r];
            if (!needed) continue;
            for (long r = 0; r < count; ++r)
                run_of<T>(0, width, [&]<int N>(long v) { list_run<T, N>(lists, k + r, layer.delta + o + v, layer.stride, g + r * width + v); });
            use(offset(layer.w, k, o), g, count * width);
        }
    }
}

}  // namespace chainrule::ISA
