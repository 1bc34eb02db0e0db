// From the output's delta to the gradient of every parameter, and what becomes of it: BP2, BP3, BP4.
#pragma once
#include "forward.hpp"

namespace chainrule::ISA {

// delta <- (delta_next @ w_next) * sigma'(z) for a part of layer l, a panel of units at a time                                 (BP2)
static void send_back(const Batch &batch, int l, const Part &part) {
    const Layer<T> &layer = batch.net.layers[l], &next = batch.net.layers[l + 1];
    const long first = part.examples.first, rows = part.examples.count();
    panels_of(next.w, part.units, [&](long o, long width) {
        const long at = first * layer.stride + o;
        const Block delta{layer.delta + at, rows, layer.stride, width};
        multiply(Product{next.delta + first * next.stride, next.stride, 1, next.w.at + offset(next.w, 0, o), panel_at(next.w, o).width, delta.at,
                            layer.stride, nullptr, rows, width, next.n_out, false, false, layer.activation == Activation::relu ? layer.a + at : nullptr});
        if (batch.training && layer.dropout > 0) change(delta, [mask = layer.mask + at](Vec<T> g, long i) { return g * load(mask + i); });
        if (layer.activation != Activation::relu) pull_back(layer.activation, delta, layer.a + at);
    });
}

// nabla_b = sum of delta's rows, a run of units at a time; `use` takes each piece at its place                            (N8, BP3)
template <class Use>
static void gradient_b(const Layer<T> &layer, const Share &examples, const Share &units, Use &&use) {
    run_of(units.first, units.last, [&]<int N>(long o) {
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
template <class Use>
static void gradient_w(const Batch &batch, int l, const Share &rows, Use &&use) {
    const Layer<T> &layer = batch.net.layers[l];
    const Input a = input_of(batch, l), delta{layer.delta, layer.stride}, along = layer.by_inputs ? a : delta, across = layer.by_inputs ? delta : a;
    alignas(cache_line) T g[most_tile_rows * widest_panel<T>];
    panels_of(layer.w, [&](long c, long width) {
        const long tallest = width / lanes<T> == 4 ? tile_rows<4> : width / lanes<T> == 3 ? tile_rows<3> : most_tile_rows;
        const long tiles = (rows.count() + tallest - 1) / tallest;
        for (long t = 0, r = rows.first; t < tiles; ++t) {
            const long next = rows.first + rows.count() * (t + 1) / tiles;
            multiply(Product{along.at + r, 1, along.stride, across.at + c, across.stride, g, width, nullptr, next - r, width, batch.m});
            use(offset(layer.w, r, c), g, (next - r) * width);
            r = next;
        }
    });
}

// The batch turned over: for each input of a worker's share, the examples that have it. Counted, then filled in the examples' order. All
// inputs count as met where a step reaches all of W.
static void make_lists(const Batch &batch, const Worker &worker, bool all_met) {
    constexpr long soon = 4;
    const Data &data = batch.data;
    const Layer<T> &layer = batch.net.layers[0];
    const Lists<T> &lists = batch.net.lists[worker.rank];
    const Share inputs = rows_of(layer, worker);
    if (inputs.count() == 0) return;
    std::int64_t *at = lists.starts + 1;  // at[k] ends up where input k's entries end
    std::uint8_t *met = layer.met;
    for (long k = inputs.first; k <= inputs.last + 1; ++k) lists.starts[k] = 0;
    const auto each = [&](auto &&f) {
        for (long i = 0; i < batch.m; ++i)
            with_entries(data, batch.rows[i], [&](auto *columns, auto *values, long count) {
                const long first = inputs.first > 0 ? lower_bound(columns, count, inputs.first) : 0;
                const long last = inputs.last < data.n_in ? lower_bound(columns, count, inputs.last) : count;
                f(i, columns, values, first, last);
            });
    };
    each([&](long i, auto *columns, auto *, long first, long last) {
        if (i + soon < batch.m) fetch_record(data, batch.rows[i + soon]);
        count_columns(columns, first, last, at + 1);
    });
    for (long k = inputs.first; k < inputs.last; ++k) {
        met[k] |= all_met || at[k + 1] > 0;
        at[k + 1] += at[k];
    }
    each([&](long i, auto *columns, auto *values, long first, long last) {
        fill_lists(columns, values, first, last, std::int32_t(i), at, lists);
    });
}

// The squares of some rows of a panel, summed for each column, or onto the sums that are there
static void add_squares(const T *w, long rows, long width, double *columns, bool onto) {
    for (long r = 0; r < rows; ++r, onto = true)
        for (long j = 0; j < width; j += lanes<double>) {
            const Vec<double> numbers = doubles(w + r * width + j);
            store(columns + j, (onto ? load(columns + j) : Vec<double>{}) + numbers * numbers);
        }
}

// nabla_w of a sparse first layer for a worker's units, whose panels are its own, from all workers' lists. An input never met has no
// gradient, and nothing to remember: it is passed over. What is far is asked for some rows ahead, since the lists in between hide the order
// in memory from the processor; squares, if wanted, are added up after `use`, while the rows are near.
template <class Use>
static void gradient_w_by_lists(const Batch &batch, const Worker &worker, Use &&use) {
    constexpr long rows = 4, soon = 8 * rows;
    const Layer<T> &layer = batch.net.layers[0];
    alignas(cache_line) T g[rows * widest_panel<T>];
    for (int rank = 0; rank < worker.size; ++rank) {
        const Lists<T> &lists = batch.net.lists[rank];
        const Share inputs = rows_of(layer, Worker{rank, worker.size, nullptr});
        panels_of(layer.w, units_of(layer, worker), [&](long o, long width) {
            for (long k = inputs.first, next; k < inputs.last; k = next) {
                next = k + rows < inputs.last ? k + rows : inputs.last;
                bool met = false;
                for (long r = k; r < next; ++r) met |= layer.met[r];
                if (!met) continue;
                const long at = offset(layer.w, k, o);
                for (const T *numbers : {layer.w.at, layer.slots_w[0], layer.slots_w[1]})
                    if (numbers && is_far(layer, width)) fetch(numbers + at + soon * width, numbers + at + (soon + rows) * width);
                for (long r = k; r < next; ++r) sum_list(lists, r, layer.delta + o, layer.stride, width, g + (r - k) * width);
                use(at, g, (next - k) * width);
                if (batch.columns) add_squares(layer.w.at + at, next - k, width, batch.columns + o, k > 0);
            }
        });
    }
}

// From some examples' inputs to every layer's delta; part_of(l) says what of layer l is computed next, l = n_layers being the costs
template <class PartOf>
static void forward_and_back(const Batch &batch, const Share &examples, PartOf &&part_of) {
    feed_forward(batch, examples, part_of);
    judge(batch, part_of(batch.net.n_layers).examples, true);
    for (int l = batch.net.n_layers - 2; l >= 0; --l) send_back(batch, l, part_of(l));
}

}  // namespace chainrule::ISA
