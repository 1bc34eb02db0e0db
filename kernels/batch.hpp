// One mini-batch after another: forward, BP1 to BP4, the step. The readable form of every line is in calculus/.
//
// Workers take whole pieces of the mini-batch where there are enough examples for few weights. Else they share out the units of a large
// layer, forward and for its delta, and the examples where layers are small; the gradient and the step by the rows of W, the layer's units,
// so that a worker finds its part of W and of delta in its own cache. They wait for one another where one needs what another computed. Of
// the first layer the rows are inputs; a sparse one is shared out by its units.
#pragma once
#include "optimizers.hpp"
#include "pieces.hpp"

namespace chainrule::ISA {

// Whether a layer is worth the two waits that sharing out its units takes: some microseconds of products.
static bool is_large(const Batch &batch, int l) {
    if (l == batch.net.n_layers) return false;
    const Layer<T> &layer = batch.net.layers[l];
    if (layer.activation == Activation::softmax) return false;
    if (l == 0 && batch.data.sparse) return true;
    return layer.ld > line<T> && double(layer.n_in) * double(layer.ld) * double(batch.m) > 250e3;
}

// From the inputs to every layer's delta, or with pieces to their gradients. As long as layers are shared out by examples, each worker goes
// on with its own.
static void forward_and_back(Batch &batch, const Worker &worker) {
    if (batch.pieces > 1) return work_through(batch, worker);
    const Share mine = share(batch.m, 1, worker);
    bool begun = !batch.data.sparse, by_examples = true;
    forward_and_back(batch, mine, [&](int l) {
        const bool large = is_large(batch, l);
        if (large ? begun : !by_examples) meet(worker);
        begun = true, by_examples = !large;
        return large ? Part{Share{0, batch.m}, units_of(batch.net.layers[l], worker)} : whole_rows(batch.net, l, mine);
    });
}

// nabla_b and nabla_w of every layer, a worker's share: use(layer, of_w, at, g, count) takes a few numbers at their place. Of a direct
// step the first layer has no nabla_w.
template <class Use>
static void each_gradient(const Batch &batch, const Worker &worker, bool direct, Use &&use) {
    for (int l = 0; l < batch.net.n_layers; ++l) {
        const Layer<T> &layer = batch.net.layers[l];
        const auto use_b = [&](long at, const T *g, long count) { use(layer, false, at, g, count); };
        const auto use_w = [&](long at, const T *g, long count) { use(layer, true, at, g, count); };
        if (batch.pieces > 1) {
            add_up(batch, layer.piece_b, layer.ld, worker, use_b);
            add_up(batch, layer.piece_w, layer.w.rows * layer.w.columns, worker, use_w);
        } else {
            gradient_b(layer, Share{0, batch.m}, units_of(layer, worker), use_b);
            if (l > 0 || !batch.data.sparse) gradient_w(batch, l, rows_of(layer, worker), use_w);
            else if (!direct) gradient_w_by_lists(batch, worker, use_w);
        }
    }
}

// The gradient into the gradient arrays, or onto what stands there; where an input was never met, 0 stands there.
static void keep_gradient(const Batch &batch, const Worker &worker, bool onto) {
    each_gradient(batch, worker, false, [&](const Layer<T> &layer, bool of_w, long at, const T *g, long count) {
        T *sums = (of_w ? layer.gradient_w : layer.gradient_b) + at;
        for (long i = 0; i < count; i += lanes<T>) store(sums + i, onto ? load(sums + i) + load(g + i) : load(g + i));
    });
}

// The squares of all weights, or of the kept gradient, row by row into `norms`; where `columns` is given the first layer's go there, a
// sum for each. Once all workers have met, total_of adds them up, the first layer's times `first_by`.
static void note_squares(const Net<T> &net, const Worker &worker, bool of_gradient, double *columns = nullptr, bool known = false) {
    double *norm = net.norms;
    if (columns && !known) panels_of(net.layers[0].w, units_of(net.layers[0], worker), [&](long o, long width) {
        add_squares(net.layers[0].w.at + offset(net.layers[0].w, 0, o), net.layers[0].n_in, width, columns + o, false);
    });
    for (int l = columns ? 1 : 0; l < net.n_layers; norm += net.layers[l++].w.rows) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker);
        for (long r = rows.first; r < rows.last; ++r) {
            Vec<double> sum{};
            panels_of(layer.w, [&](long c, long width) {
                const T *row = (of_gradient ? layer.gradient_w : layer.w.at) + offset(layer.w, r, c);
                for (long j = 0; j < width; j += lanes<double>) sum += doubles(row + j) * doubles(row + j);
            });
            norm[r] = total<double>(sum);
        }
    }
}
static double total_of(const Net<T> &net, double first_by, const double *columns = nullptr) {
    double sum = 0;
    const double *norm = net.norms;
    for (long o = 0; columns && o < net.layers[0].ld; ++o) sum += columns[o];
    for (int l = columns ? 1 : 0; l < net.n_layers; norm += net.layers[l++].w.rows)
        for (long r = 0; r < net.layers[l].w.rows; ++r) sum += (l ? 1 : first_by) * norm[r];
    return sum;
}

// What shortens a mean gradient whose norm exceeds the most that is allowed
static double clip_factor(const Net<T> &net, double share_of_one, const Worker &worker) {
    note_squares(net, worker, true);
    meet(worker);
    double sum = total_of(net, 1);
    for (int l = 0; l < net.n_layers; ++l)
        for (long o = 0; o < net.layers[l].n_out; ++o) sum += double(net.layers[l].gradient_b[o]) * double(net.layers[l].gradient_b[o]);
    const double norm = __builtin_sqrt(sum) * share_of_one;
    return norm > net.optimizer.clip ? net.optimizer.clip / norm : 1;
}

// W <- by * W, for a worker's own units of the first layer
static void scale_w(const Layer<T> &layer, double by, const Share &units) {
    panels_of(layer.w, units, [&](long o, long width) {
        change(Block{layer.w.at + offset(layer.w, 0, o), layer.n_in, panel_at(layer.w, o).width, width}, [by](Vec<T> w, long) { return w * T(by); });
    });
}

// The first layer of a direct step: W <- keep * W - factor * nabla_w, keep going into the scale.                              (N12)
static double step_direct(const Batch &batch, double factor, double scale, long nexts, const Share &units) {
    const Layer<T> &layer = batch.net.layers[0];
    if (!(scale > 1e-3)) {  // before the numbers that stand there grow too large
        scale_w(layer, scale, units);
        scale = 1;
    }
    const T by = T(-factor / scale);
    change(Block{layer.delta + units.first, batch.m, layer.stride, units.count()}, [=](Vec<T> delta, long) { return by * delta; });
    sparse_add(layer, batch.data, batch.rows, batch.m, nexts, units);
    return scale;
}

// w <- w - (eta / m) nabla_w, or what the optimizer makes of it, for a worker's share of every layer                           (N12)
static void take_step(const Batch &batch, double rate, double decay, double share_of_one, bool direct, const Worker &worker) {
    const Net<T> &net = batch.net;
    const Optimizer &o = net.optimizer;
    const bool penalized = reaches_all(o, decay), clipped = o.clip >= 0;
    if (clipped) {
        keep_gradient(batch, worker, false);
        meet(worker);
        share_of_one *= clip_factor(net, share_of_one, worker);
    }
    const Step step = settle(o, rate, decay, share_of_one, batch.step + 1);
    const auto step_with = [&](const Layer<T> &layer, bool of_w, long at, const T *g, long count) {
        update(o, step, of_w ? layer.w.at : layer.b, of_w ? layer.slots_w : layer.slots_b, at, g, count, of_w && penalized);
    };
    if (!clipped) return each_gradient(batch, worker, direct, step_with);
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker), units = units_of(layer, worker);
        if (units.count() > 0) step_with(layer, false, units.first, layer.gradient_b + units.first, units.count());
        if (rows.count() > 0) panels_of(layer.w, [&](long c, long width) {
            const long first = offset(layer.w, rows.first, c);
            step_with(layer, true, first, layer.gradient_w + first, rows.count() * width);
        });
    }
}

static void advance(Net<T> &net, const Data &data, const Batches &batches, const Worker &worker) {
    const FlushToZero flush;
    const bool sparse = data.sparse, direct = sparse && goes_in_place(net.optimizer);
    const Share units = units_of(net.layers[0], worker);
    const auto columns_before = [&](std::int64_t step) { return sparse && !direct && batches.squares ? net.columns + step % 2 * net.layers[0].ld : nullptr; };
    double scale = net.scale;
    bool known = net.columns_known;
    std::int64_t k = 0;
    for (std::int64_t first = 0, m; first < batches.length; first += m, ++k) {  // one step each (N11)
        m = batches.size_at(first);
        Batch batch{net, data, Rows{batches.order, first}, m, net.step + k, T(scale), true, worker.rank};
        batch.pieces = sparse ? 1 : pieces_of(net, batch.m);
        const bool all_met = reaches_all(net.optimizer, batches.decay[k]);
        double *const columns = columns_before(batch.step);
        if (batches.squares) note_squares(net, worker, false, columns, known);
        if (sparse && !direct) make_lists(batch, worker, all_met);
        forward_and_back(batch, worker);
        meet(worker);
        const Sums sums = sums_of(batch, Share{0, batch.m});
        if (worker.rank == 0) {
            batches.costs[k] = sums.cost, batches.right[k] = sums.right;
            if (batches.squares) batches.squares[k] = total_of(net, scale * scale, columns);
        }
        known = sums.total >= least_normal<T> && all_met && net.optimizer.clip < 0;
        if (known) batch.columns = columns_before(batch.step + 1);
        if (sums.total >= least_normal<T>) {  // a batch that weighs nothing moves nothing
            take_step(batch, batches.rate[k], batches.decay[k], 1 / sums.total, direct, worker);
            if (direct) {
                const long nexts = batches.size_at(first + m);
                scale = step_direct(batch, batches.rate[k] / sums.total, scale * (1 - batches.rate[k] * batches.decay[k]), nexts, units);
            }
        }
        meet(worker);
    }
    if (direct && batches.last && scale != 1) {
        scale_w(net.layers[0], scale, units);
        scale = 1;
    }
    if (worker.rank == 0) net.scale = scale, net.columns_known = known && columns_before(0), net.step += k;
}

// The gradient of n rows, a piece of them at a time, added up in the layers' gradient arrays; dropout has no part in it.
static void gradient(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t n, long piece, Sums *out, const Worker &worker) {
    const FlushToZero flush;
    for (std::int64_t first = 0; first < n; first += piece) {
        Batch batch{net, data, Rows{rows, first}, n - first < piece ? n - first : piece, 0, 1, false, worker.rank};
        batch.pieces = data.sparse ? 1 : pieces_of(net, batch.m);
        if (data.sparse) make_lists(batch, worker, false);
        forward_and_back(batch, worker);
        meet(worker);
        if (worker.rank == 0) add(*out, sums_of(batch, Share{0, batch.m}));
        keep_gradient(batch, worker, true);
        meet(worker);
    }
}

// The outputs of all data, or one sum for each piece of it. A worker takes the next piece when it is done with one, in a room of its own.
static void evaluate(Net<T> &net, const Data &data, long piece, T *out, Sums *sums, const Worker &worker) {
    const FlushToZero flush;
    const Layer<T> &last = net.layers[net.n_layers - 1];
    for (std::int64_t p; (p = __atomic_fetch_add(&worker.barrier->next, 1, __ATOMIC_RELAXED)) * piece < data.n;) {
        const long at = worker.rank * piece, m = data.n - p * piece < piece ? data.n - p * piece : piece;
        const Share examples{at, at + m};
        const Batch batch{net, data, Rows{nullptr, p * piece - at}, m, 0, 1, false, worker.rank};
        feed_forward(batch, examples, [&](int l) { return whole_rows(net, l, examples); });
        for (long i = examples.first; out && i < examples.last; ++i)
            for (int o = 0; o < last.n_out; ++o) out[batch.rows[i] * last.n_out + o] = last.a[i * last.stride + o];
        if (out) continue;
        judge(batch, examples, false);
        sums[p] = sums_of(batch, examples);
    }
}

}  // namespace chainrule::ISA
