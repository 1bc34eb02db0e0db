// One mini-batch after another: forward, BP1 to BP4, the step. The readable form of every line is in calculus/.
#pragma once
#include "dense.hpp"
#include "dropout.hpp"
#include "optimizers.hpp"
#include "output.hpp"
#include "sparse.hpp"

namespace chainrule::ISA {

static constexpr long padded(long count, long to) { return (count + to - 1) / to * to; }

template <class T, class Value>
static void gather_row(const Value *from, T *to, int n_in) {
    for (int k = 0; k < n_in; ++k) to[k] = number<T>(from[k]);
}

// Gather dense rows as floats; rows null takes them from `first` on.
template <class T>
static void gather(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t first, long m) {
    for (long i = 0; i < m; ++i) {
        const std::int64_t at = (rows ? rows[i] : first + i) * data.n_in;
        T *to = net.x + i * data.n_in;
        switch (data.kind) {
            case Kind::pixels: gather_row(static_cast<const std::uint8_t *>(data.x) + at, to, data.n_in); break;
            case Kind::float32: gather_row(static_cast<const float *>(data.x) + at, to, data.n_in); break;
            case Kind::float64: gather_row(static_cast<const double *>(data.x) + at, to, data.n_in); break;
            case Kind::sparse: break;
        }
    }
}

// a <- sigma(w a + b), layer by layer                                                                                          (N10)
template <class T>
static void feed_forward(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t first, long m, bool training) {
    const T *input = net.x;
    long input_ld = data.n_in;
    if (data.kind != Kind::sparse) gather(net, data, rows, first, m);
    for (int l = 0; l < net.n_layers; ++l) {
        Layer<T> &layer = net.layers[l];
        if (l == 0 && data.kind == Kind::sparse)
            for (long i = 0; i < m; ++i) sparse_forward(layer, data, rows ? rows[i] : first + i, layer.a + i * layer.ld);
        else
            multiply(Product<T>{input, input_ld, 1, layer.w, layer.ld, layer.a, layer.ld, layer.b, m, layer.ld, layer.n_in});
        activate(layer.activation, layer.a, m, layer);
        input = layer.a;
        if (training && layer.dropout > 0) {
            dropout_masks(net, l, layer, m);
            for (long i = 0; i < m * layer.ld; i += lanes<T>) store(layer.h + i, load(layer.a + i) * load(layer.mask + i));
            input = layer.h;
        }
        input_ld = layer.ld;
    }
}

// The cost of m rows, how many are right, their weight, and BP1
template <class T>
static Sums judge(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t first, long m, bool training) {
    const Layer<T> &last = net.layers[net.n_layers - 1];
    Sums sums{0, 0, 0};
    for (long i = 0; i < m; ++i) {
        const std::int64_t row = rows ? rows[i] : first + i;
        const T *a = last.a + i * last.ld;
        const double weight = data.weights ? data.weights[row] : 1;
        sums.cost += weight * cost_of(net.cost, a, data, row, last.n_out);
        if (data.classes && is_right(a, data, row, last.n_out)) sums.right += weight;
        sums.total += weight;
        if (!training) continue;
        T *delta = last.delta + i * last.ld;
        output_delta(net, last, a, delta, data, row);
        if (data.weights)
            for (long o = 0; o < last.ld; ++o) delta[o] *= T(weight);
    }
    return sums;
}

// delta <- (delta_next @ w_next) * sigma'(z)                                                                                   (BP2)
template <class T>
static void send_back(const Layer<T> &layer, const Layer<T> &next, bool training, long m) {
    multiply(Product<T>{next.delta, next.ld, 1, next.wt, next.ldt, layer.delta, layer.ld, nullptr, m, layer.ld, next.n_out});
    if (training && layer.dropout > 0)
        for (long i = 0; i < m * layer.ld; i += lanes<T>) store(layer.delta + i, load(layer.delta + i) * load(layer.mask + i));
    pull_back(layer.activation, layer.delta, layer.a, m * layer.ld);
}

// nabla_b = sum of delta's rows                                                                                                (BP3)
template <class T>
static void gradient_b(const Layer<T> &layer, long m) {
    for (long o = 0; o < layer.ld; o += lanes<T>) {
        Vec<T> sum{};
        for (long i = 0; i < m; ++i) sum += load(layer.delta + i * layer.ld + o);
        store(layer.gradient_b + o, sum);
    }
}

// nabla_w = delta.T @ a_prev, laid out as w                                                                                    (BP4)
template <class T>
static void gradient_w(const Net<T> &net, int l, const Data &data, const std::int64_t *rows, long m, bool training) {
    const Layer<T> &layer = net.layers[l];
    if (l == 0 && data.kind == Kind::sparse) {
        for (long i = 0; i < m; ++i) sparse_add(layer, data, rows[i], layer.delta + i * layer.ld, layer.gradient_w);
        return;
    }
    const Layer<T> *prev = l ? &net.layers[l - 1] : nullptr;
    const T *input = !prev ? net.x : training && prev->dropout > 0 ? prev->h : prev->a;
    const long ld = prev ? prev->ld : data.n_in;
    multiply(Product<T>{input, 1, ld, layer.delta, layer.ld, layer.gradient_w, layer.ld, nullptr, layer.n_in, layer.ld, m});
}

// Copy a layer's weights to the notes' layout, (n_out, n_in), for the next delta @ W.
template <class T>
static void transpose(const Layer<T> &layer) {
    constexpr int block = 16;
    for (int k0 = 0; k0 < layer.n_in; k0 += block)
        for (int o0 = 0; o0 < layer.n_out; o0 += block)
            for (int k = k0; k < k0 + block && k < layer.n_in; ++k)
                for (int o = o0; o < o0 + block && o < layer.n_out; ++o) layer.wt[o * layer.ldt + k] = layer.w[k * layer.ld + o];
}

template <class T>
static double squares(const T *g, long count) {
    double sum = 0;
    for (long i = 0; i < count; ++i) sum += double(g[i]) * double(g[i]);
    return sum;
}

// What shortens a mean gradient whose norm exceeds the most that is allowed
template <class T>
static double clip_factor(const Net<T> &net, double share) {
    double sum = 0;
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        sum += squares(layer.gradient_w, layer.n_in * layer.ld) + squares(layer.gradient_b, layer.ld);
    }
    const double norm = __builtin_sqrt(sum) * share;
    return norm > net.optimizer.clip ? net.optimizer.clip / norm : 1;
}

// w <- w - (eta / m) nabla_w, or what the optimizer makes of it                                                                (N12)
template <class T>
static void take_step(Net<T> &net, const Data &data, const std::int64_t *rows, long m, double rate, double decay, double total) {
    const Optimizer &o = net.optimizer;
    const bool penalized = decay != 0 || o.l1 != 0 || o.shrink != 0;
    // The sparse first layer of plain SGD is stepped in place: only the rows that the batch touches are read and written.
    const bool direct = data.kind == Kind::sparse && o.rule == Rule::sgd && !penalized && o.clip < 0;
    for (int l = net.n_layers - 1; l >= 0; --l) {
        if (l > 0) send_back(net.layers[l - 1], net.layers[l], true, m);
        gradient_b(net.layers[l], m);
        if (l > 0 || !direct) gradient_w(net, l, data, rows, m, true);
    }
    const auto clear = [&] {
        if (data.kind == Kind::sparse && !direct)
            for (long i = 0; i < m; ++i) sparse_clear(net.layers[0], data, rows[i], net.layers[0].gradient_w);
    };
    if (!(total > 0)) return clear();
    const double share = o.clip < 0 ? 1 / total : clip_factor(net, 1 / total) / total;
    const Step<T> step = settle<T>(o, rate, decay, share, net.step + 1);
    for (int l = 0; l < net.n_layers; ++l) {
        Layer<T> &layer = net.layers[l];
        update(o, step, layer.b, layer.gradient_b, layer.slots_b, layer.ld, false);
        if (l == 0 && direct) {
            const T factor = T(-rate / total);
            for (long i = 0; i < m * layer.ld; i += lanes<T>) store(layer.delta + i, factor * load(layer.delta + i));
            for (long i = 0; i < m; ++i) sparse_add(layer, data, rows[i], layer.delta + i * layer.ld, layer.w);
        } else {
            update(o, step, layer.w, layer.gradient_w, layer.slots_w, layer.n_in * layer.ld, penalized);
        }
        if (l > 0) transpose(layer);
    }
    clear();
}

template <class T>
static void advance(Net<T> &net, const Data &data, const Batches &batches) {
    const FlushToZero flush;
    std::int64_t k = 0;
    for (std::int64_t first = 0; first < batches.length; first += batches.size, ++k) {
        const std::int64_t *rows = batches.order + first;
        const long m = batches.length - first < batches.size ? batches.length - first : batches.size;
        feed_forward(net, data, rows, 0, m, true);
        const Sums sums = judge(net, data, rows, 0, m, true);
        batches.costs[k] = sums.cost;
        batches.right[k] = sums.right;
        take_step(net, data, rows, m, batches.rate[k], batches.decay[k], sums.total);
        ++net.step;
    }
}

// The gradient of some rows, added up in the layers' gradient arrays; dropout has no part in it.
template <class T>
static void gradient(Net<T> &net, const Data &data, const std::int64_t *rows, std::int64_t m, Sums &sums) {
    feed_forward(net, data, rows, 0, m, false);
    sums = judge(net, data, rows, 0, m, true);
    for (int l = net.n_layers - 1; l >= 0; --l) {
        if (l > 0) send_back(net.layers[l - 1], net.layers[l], false, m);
        gradient_b(net.layers[l], m);
        gradient_w(net, l, data, rows, m, false);
    }
}

template <class T>
static void forward(Net<T> &net, const Data &data, std::int64_t first, std::int64_t m) {
    feed_forward(net, data, nullptr, first, m, false);
}

template <class T>
static void evaluate(Net<T> &net, const Data &data, std::int64_t first, std::int64_t m, Sums &sums) {
    feed_forward(net, data, nullptr, first, m, false);
    const Sums more = judge(net, data, nullptr, first, m, false);
    sums.cost += more.cost;
    sums.right += more.right;
    sums.total += more.total;
}

}  // namespace chainrule::ISA
