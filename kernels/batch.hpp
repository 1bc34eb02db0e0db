// One mini-batch after another: forward, BP1 to BP4, the step. The readable form of every line is in calculus/.
//
// Workers share out the units of a large layer, forward and for its delta, and the examples where layers are small. The gradient and the
// step are shared out by the rows of W, the layer's units: a worker finds its part of W and of delta in its own cache. They wait for one
// another where one needs what another computed. Of the first layer the rows are inputs; a sparse one is shared out by its units.
#pragma once
#include "optimizers.hpp"
#include "pieces.hpp"

namespace chainrule::ISA {

template <class T>
static inline Share units_of(const Layer<T> &layer, const Worker &worker) {
    return share(layer.ld, layer.grain, worker);
}
template <class T>
static inline Share rows_of(const Layer<T> &layer, const Worker &worker) {
    return share(layer.w.rows, line<T>, worker);
}

// Whether a layer is worth the two waits that sharing out its units takes: some microseconds of products.
template <class T>
static bool is_large(const Batch<T> &batch, int l) {
    const Layer<T> &layer = batch.net.layers[l];
    if (layer.activation == Activation::softmax) return false;
    if (l == 0 && batch.data.kind == Kind::sparse) return true;
    return layer.ld > line<T> && double(layer.n_in) * double(layer.ld) * double(batch.m) > 250e3;
}

// From the inputs to every layer's delta. `by_examples` says how what was computed last was shared out: as long as it is by examples, each
// worker goes on with its own.
template <class T>
static void forward_and_back(const Batch<T> &batch, const Worker &worker) {
    const Net<T> &net = batch.net;
    const Share mine = share(batch.m, 1, worker), every{0, batch.m};
    const bool sparse = batch.data.kind == Kind::sparse;
    bool by_examples = true;
    const auto part_of = [&](int l) {
        const Layer<T> &layer = net.layers[l];
        const bool large = is_large(batch, l);
        if (large || !by_examples) meet(worker);
        by_examples = !large;
        return large ? Part{every, units_of(layer, worker)} : Part{mine, Share{0, layer.ld}};
    };
    if (sparse) {
        feed(batch, 0, Part{every, units_of(net.layers[0], worker)});
        by_examples = false;
    } else {
        gather(batch, mine);
    }
    for (int l = sparse; l < net.n_layers; ++l) feed(batch, l, part_of(l));
    if (!by_examples) meet(worker);
    if (sparse && net.layers[0].activation == Activation::softmax) activate_part(net.layers[0], Part{mine, Share{0, net.layers[0].ld}});
    judge(batch, mine, true);
    by_examples = true;
    for (int l = net.n_layers - 2; l >= 0; --l) send_back(batch, l, part_of(l));
}

// nabla_w of a sparse first layer for a worker's units, from every worker's lists
template <class T, class Use>
static void gradient_w_of_all_lists(const Batch<T> &batch, const Worker &worker, bool all_of_them, Use &&use) {
    const Net<T> &net = batch.net;
    const Share units = units_of(net.layers[0], worker);
    for (int rank = 0; rank < worker.size; ++rank) {
        const Share inputs = rows_of(net.layers[0], Worker{rank, worker.size, nullptr});
        gradient_w_by_lists(batch, net.lists[rank], inputs, units, all_of_them, use);
    }
}

// What a worker owes to those who go by lists: which inputs are met. A step that reaches all of W, by a penalty or since the inputs are
// dense, meets them all.
template <class T>
static void meet_all(const Net<T> &net, const Worker &worker) {
    const Share inputs = rows_of(net.layers[0], worker);
    for (long k = inputs.first; k < inputs.last; ++k) net.layers[0].met[k] = 1;
}
template <class T>
static void make_own_lists(const Batch<T> &batch, const Worker &worker, bool penalized) {
    const Layer<T> &layer = batch.net.layers[0];
    const Share inputs = rows_of(layer, worker);
    if (penalized) meet_all(batch.net, worker);
    if (inputs.count() > 0) make_lists(batch.net.lists[worker.rank], batch.data, batch.rows, batch.m, inputs, layer.met);
}

// Which inputs of a sparse first layer a gradient is wanted of
enum class Inputs { none, met, all };

// nabla_b and nabla_w of every layer, a worker's share: use(layer, of_w, at, g, count) takes a few numbers at their place.
template <class T, class Use>
static void each_gradient(const Batch<T> &batch, const Worker &worker, Inputs inputs, Use &&use) {
    const Net<T> &net = batch.net;
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker), units = units_of(layer, worker);
        const auto use_b = [&](long at, const T *g, long count) { use(layer, false, at, g, count); };
        const auto use_w = [&](long at, const T *g, long count) { use(layer, true, at, g, count); };
        if (batch.pieces > 1) {
            add_up(batch, layer.piece_b, layer.ld, worker, use_b);
            add_up(batch, layer.piece_w, layer.w.rows * layer.w.columns, worker, use_w);
        } else {
            gradient_b(layer, Share{0, batch.m}, units, use_b);
            if (l > 0 || batch.data.kind != Kind::sparse) gradient_w(batch, l, rows, use_w);
            else if (inputs != Inputs::none) gradient_w_of_all_lists(batch, worker, inputs == Inputs::all, use_w);
        }
    }
}

// The gradient added to what stands in the gradient arrays
template <class T>
static void add_gradient(const Batch<T> &batch, const Worker &worker) {
    each_gradient(batch, worker, Inputs::met, [](const Layer<T> &layer, bool of_w, long at, const T *g, long count) {
        T *sums = (of_w ? layer.gradient_w : layer.gradient_b) + at;
        for (long i = 0; i < count; i += lanes<T>) store(sums + i, load(sums + i) + load(g + i));
    });
}

template <class T>
static void clear_gradient(const Net<T> &net, const Worker &worker) {
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker), units = units_of(layer, worker);
        for (long o = units.first; o < units.last; o += lanes<T>) store(layer.gradient_b + o, Vec<T>{});
        for (long c = 0; c < layer.w.columns; c += layer.w.panel)
            for (long i = 0; i < rows.count() * width_at(layer.w, c); i += lanes<T>)
                store(layer.gradient_w + offset(layer.w, rows.first, c) + i, Vec<T>{});
    }
    meet(worker);
}

// The squares of all weights, or of what else `of` gives of a layer, row by row into `norms`: by lines, since a panel's width may depend on
// the number of workers. Once all workers have met, total_of adds the rows up, the first layer's times `first_by`.
template <class T, class Of>
static void note_squares(const Net<T> &net, const Worker &worker, Of &&of) {
    double *norm = net.norms;
    for (int l = 0; l < net.n_layers; norm += net.layers[l++].w.rows) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker);
        for (long r = rows.first; r < rows.last; ++r) {
            Vec<double> sum{};
            for (long c = 0; c < layer.w.columns; c += line<T>) {
                const T *g = of(layer) + offset(layer.w, r, c);
                for (long j = 0; j < line<T>; j += lanes<double>) {
                    const Vec<double> v = doubles(g + j);
                    sum += v * v;
                }
            }
            norm[r] = total<double>(sum);
        }
    }
}
template <class T>
static double total_of(const Net<T> &net, double first_by) {
    double sum = 0;
    const double *norm = net.norms;
    for (int l = 0; l < net.n_layers; norm += net.layers[l++].w.rows)
        for (long r = 0; r < net.layers[l].w.rows; ++r) sum += (l ? 1 : first_by) * norm[r];
    return sum;
}

// What shortens a mean gradient whose norm exceeds the most that is allowed
template <class T>
static double clip_factor(const Net<T> &net, double share_of_one, const Worker &worker) {
    note_squares(net, worker, [](const Layer<T> &layer) { return layer.gradient_w; });
    meet(worker);
    double sum = total_of(net, 1);
    for (int l = 0; l < net.n_layers; ++l)
        for (long o = 0; o < net.layers[l].n_out; ++o) sum += double(net.layers[l].gradient_b[o]) * double(net.layers[l].gradient_b[o]);
    const double norm = __builtin_sqrt(sum) * share_of_one;
    return norm > net.optimizer.clip ? net.optimizer.clip / norm : 1;
}

// W <- by * W, for a worker's own units of the first layer
template <class T>
static void scale_w(const Layer<T> &layer, double by, const Share &units) {
    for (long k = 0; k < layer.n_in; ++k)
        for (long o = units.first; o < units.last; o += lanes<T>) {
            T *w = layer.w.at + offset(layer.w, k, o);
            store(w, load(w) * T(by));
        }
}

// The first layer of a direct step: W <- keep * W - factor * nabla_w, keep going into the scale.                              (N12)
template <class T>
static double step_direct(const Batch<T> &batch, double factor, double scale, const Rows &next, long nexts, const Share &units) {
    const Layer<T> &layer = batch.net.layers[0];
    if (!(scale > 1e-3)) {  // before the numbers that stand there grow too large
        scale_w(layer, scale, units);
        scale = 1;
    }
    const T by = T(-factor / scale);
    for (long i = 0; i < batch.m; ++i)
        for (long o = units.first; o < units.last; o += lanes<T>) {
            T *delta = layer.delta + i * layer.stride + o;
            store(delta, by * load(delta));
        }
    sparse_add(layer, batch.data, batch.rows, batch.m, units, next, nexts);
    return scale;
}

// The numbers of one mini-batch's step.
struct Move {
    double rate, decay, total;
    std::int64_t t;                   // steps with this one
    bool direct;
};

// w <- w - (eta / m) nabla_w, or what the optimizer makes of it, for a worker's share of every layer                           (N12)
template <class T>
static void take_step(const Batch<T> &batch, const Move &move, const Worker &worker) {
    const Net<T> &net = batch.net;
    const Optimizer &o = net.optimizer;
    const bool penalized = reaches_all(o, move.decay), clipped = o.clip >= 0;
    double share_of_one = 1 / move.total;
    if (clipped) {
        clear_gradient(net, worker);
        add_gradient(batch, worker);
        meet(worker);
        share_of_one *= clip_factor(net, share_of_one, worker);
    }
    const Step<T> step = settle<T>(o, move.rate, move.decay, share_of_one, move.t);
    const auto step_with = [&](const Layer<T> &layer, bool of_w, long at, const T *g, long count) {
        update(o, step, of_w ? layer.w.at : layer.b, of_w ? layer.slots_w : layer.slots_b, at, g, count, of_w && penalized);
    };
    if (!clipped) return each_gradient(batch, worker, move.direct ? Inputs::none : penalized ? Inputs::all : Inputs::met, step_with);
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        const Share rows = rows_of(layer, worker), units = units_of(layer, worker);
        if (units.count() > 0) step_with(layer, false, units.first, layer.gradient_b + units.first, units.count());
        for (long c = 0; c < layer.w.columns && rows.count() > 0; c += layer.w.panel) {
            const long first = offset(layer.w, rows.first, c);
            step_with(layer, true, first, layer.gradient_w + first, rows.count() * width_at(layer.w, c));
        }
    }
}

template <class T>
static void advance(Net<T> &net, const Data &data, const Batches &batches, const Worker &worker) {
    const FlushToZero flush;
    const bool sparse = data.kind == Kind::sparse, direct = sparse && goes_in_place(net.optimizer);
    const Share units = units_of(net.layers[0], worker);
    double scale = net.scale;
    std::int64_t k = 0;
    if (!sparse) meet_all(net, worker);
    for (std::int64_t first = 0, m; first < batches.length; first += m, ++k) {  // one step each (N11)
        m = batches.size_at(first);
        Batch<T> batch{net, data, Rows{batches.order, first}, m, net.step + k, T(scale), true, worker.rank};
        batch.pieces = sparse ? 1 : pieces_of(net, batch.m);
        if (batches.squares) note_squares(net, worker, [](const Layer<T> &layer) { return layer.w.at; });
        if (sparse && !direct) make_own_lists(batch, worker, reaches_all(net.optimizer, batches.decay[k]));
        if (batch.pieces > 1) {
            batch.turned = turn_all_over(net, worker.rank);
            work_through(batch, worker);
        } else {
            forward_and_back(batch, worker);
        }
        meet(worker);
        const Sums sums = sums_of(batch, Share{0, batch.m});
        if (worker.rank == 0) {
            batches.costs[k] = sums.cost, batches.right[k] = sums.right;
            if (batches.squares) batches.squares[k] = total_of(net, scale * scale);
        }
        if (sums.total >= least_normal<T>) {  // a batch that weighs nothing moves nothing
            const Move move{batches.rate[k], batches.decay[k], sums.total, batch.step + 1, direct};
            take_step(batch, move, worker);
            if (direct) {
                const Rows next{batches.order, first + m};
                scale = step_direct(batch, move.rate / sums.total, scale * (1 - move.rate * move.decay), next, batches.size_at(first + m), units);
            }
        }
        meet(worker);
    }
    if (direct && batches.last && scale != 1) {
        scale_w(net.layers[0], scale, units);
        scale = 1;
    }
    meet(worker);
    if (worker.rank == 0) net.scale = scale, net.step += k;
}

// The gradient of n rows, a piece of them at a time, added up in the layers' gradient arrays; dropout has no part in it.
template <class T>
static void gradient(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t n, long piece, Sums *out, const Worker &worker) {
    const FlushToZero flush;
    clear_gradient(net, worker);
    for (std::int64_t first = 0; first < n; first += piece) {
        const Batch<T> batch{net, data, Rows{rows, first}, n - first < piece ? n - first : piece, 0, 1, false, worker.rank};
        if (data.kind == Kind::sparse) make_own_lists(batch, worker, false);
        forward_and_back(batch, worker);
        meet(worker);
        if (worker.rank == 0) add(*out, sums_of(batch, Share{0, batch.m}));
        add_gradient(batch, worker);
        meet(worker);
    }
}

// Each worker takes the next piece of the data when it is done with one, and has a piece's room of its own.
template <class T, class Use>
static void each_piece(Net<T> &net, const Data &data, long piece, const Worker &worker, Use &&use) {
    const FlushToZero flush;
    for (std::int64_t p; (p = __atomic_fetch_add(&worker.barrier->next, 1, __ATOMIC_RELAXED)) * piece < data.n;) {
        const long at = worker.rank * piece, m = data.n - p * piece < piece ? data.n - p * piece : piece;
        const Batch<T> batch{net, data, Rows{nullptr, p * piece - at}, m, 0, 1, false, worker.rank};
        feed_forward(batch, Share{at, at + m});
        use(batch, p, Share{at, at + m});
    }
}

template <class T>
static void forward(Net<T> &net, const Data &data, long piece, T *out, const Worker &worker) {
    const Layer<T> &last = net.layers[net.n_layers - 1];
    each_piece(net, data, piece, worker, [&](const Batch<T> &batch, std::int64_t, const Share &examples) {
        for (long i = examples.first; i < examples.last; ++i)
            for (int o = 0; o < last.n_out; ++o) out[batch.rows[i] * last.n_out + o] = last.a[i * last.stride + o];
    });
}

// One sum for each piece
template <class T>
static void evaluate(Net<T> &net, const Data &data, long piece, Sums *sums, const Worker &worker) {
    each_piece(net, data, piece, worker, [&](const Batch<T> &batch, std::int64_t p, const Share &examples) {
        judge(batch, examples, false);
        sums[p] = sums_of(batch, examples);
    });
}

}  // namespace chainrule::ISA
