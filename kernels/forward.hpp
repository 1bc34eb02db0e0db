// From a mini-batch's inputs to its cost: N10 layer by layer, then BP1.
#pragma once
#include "dense.hpp"
#include "dropout.hpp"
#include "output.hpp"
#include "sparse.hpp"

namespace chainrule::ISA {

// What every worker knows of the mini-batch at hand.
template <class T>
struct Batch {
    Net<T> &net;
    const Data &data;
    Rows rows;
    long m;
    std::int64_t step;                // of the training; dropout draws by it
    bool training;                    // with dropout
};

template <class T, class Value>
static void gather_row(const void *x, std::int64_t at, T *to, int n_in) {
    const Value *from = static_cast<const Value *>(x) + at;
    for (int k = 0; k < n_in; ++k) to[k] = number<T>(from[k]);
}

// The dense inputs of some examples, as numbers
template <class T>
static void gather(const Batch<T> &batch, const Share &examples) {
    const Data &data = batch.data;
    for (long i = examples.first; i < examples.last; ++i) {
        const std::int64_t at = batch.rows[i] * data.n_in;
        T *to = batch.net.x + i * batch.net.x_stride;
        switch (data.kind) {
            case Kind::pixels: gather_row<T, std::uint8_t>(data.x, at, to, data.n_in); break;
            case Kind::float32: gather_row<T, float>(data.x, at, to, data.n_in); break;
            case Kind::float64: gather_row<T, double>(data.x, at, to, data.n_in); break;
            case Kind::sparse: break;
        }
    }
}

// What a layer takes: the inputs, or what the layer before gives, through dropout's mask where there is one.
template <class T>
struct Input {
    const T *at;
    long stride;
};
template <class T>
static inline Input<T> input_of(const Batch<T> &batch, int l) {
    if (l == 0) return {batch.net.x, batch.net.x_stride};
    const Layer<T> &prev = batch.net.layers[l - 1];
    return {batch.training && prev.dropout > 0 ? prev.h : prev.a, prev.stride};
}

// a <- sigma(w a + b) of one layer for some examples, a panel of units at a time                                               (N10)
template <class T>
static void dense_layer(const Layer<T> &layer, const Input<T> &input, const Share &examples) {
    const bool whole_rows = layer.activation == Activation::softmax;
    T *a = layer.a + examples.first * layer.stride;
    for (long o = 0; o < layer.ld; o += layer.w.panel) {
        const long width = width_at(layer.w, o);
        multiply(Product<T>{input.at + examples.first * input.stride, input.stride, 1, layer.w.at + offset(layer.w, 0, o), width, a + o,
                            layer.stride, layer.b + o, examples.count(), width, layer.n_in});
        if (!whole_rows) activate(layer.activation, layer.n_out, Block<T>{a + o, examples.count(), layer.stride, width});
    }
    if (whole_rows) activate(layer.activation, layer.n_out, Block<T>{a, examples.count(), layer.stride, layer.ld});
}

// Where the units of a sparse first layer are shared out, its z is there already; otherwise each example's worker computes all of it.
template <class T>
static void feed_forward(const Batch<T> &batch, const Share &examples, bool z_is_there) {
    const Net<T> &net = batch.net;
    const bool sparse = batch.data.kind == Kind::sparse;
    if (!sparse) gather(batch, examples);
    for (int l = 0; l < net.n_layers; ++l) {
        const Layer<T> &layer = net.layers[l];
        const long first = examples.first * layer.stride;
        if (l > 0 || !sparse) {
            dense_layer(layer, input_of(batch, l), examples);
        } else {
            if (!z_is_there) sparse_forward(layer, batch.data, batch.rows, examples, Share{0, layer.ld}, T(net.scale));
            activate(layer.activation, layer.n_out, Block<T>{layer.a + first, examples.count(), layer.stride, layer.ld});
        }
        if (!batch.training || layer.dropout == 0) continue;
        dropout_masks(layer, l, net.seed, batch.step, examples);
        for (long i = first; i < examples.last * layer.stride; i += lanes<T>) store(layer.h + i, load(layer.a + i) * load(layer.mask + i));
    }
}

static inline double weight_of(const Data &data, std::int64_t row) { return data.weights ? data.weights[row] : 1; }

// Each example's cost, whether it is right, and where it is wanted BP1
template <class T>
static void judge(const Batch<T> &batch, const Share &examples, bool with_delta) {
    const Net<T> &net = batch.net;
    const Data &data = batch.data;
    const Layer<T> &last = net.layers[net.n_layers - 1];
    for (long i = examples.first; i < examples.last; ++i) {
        const std::int64_t row = batch.rows[i];
        const T *a = last.a + i * last.stride;
        T *y = net.y + i * last.ld;
        const double weight = weight_of(data, row);
        targets_of(data, row, last, y);
        net.row_cost[i] = weight * cost_of(net.cost, a, y, last.n_out);
        net.row_right[i] = data.classes && is_right(a, data.classes[row], last.n_out) ? weight : 0;
        if (!with_delta) continue;
        T *delta = last.delta + i * last.stride;
        output_delta(net, last, a, y, delta);
        if (data.weights)
            for (long o = 0; o < last.ld; ++o) delta[o] *= T(weight);
    }
}

// The sums over some examples, in their order
template <class T>
static Sums sums_of(const Batch<T> &batch, const Share &examples) {
    Sums sums{0, 0, 0};
    for (long i = examples.first; i < examples.last; ++i)
        add(sums, {batch.net.row_cost[i], batch.net.row_right[i], weight_of(batch.data, batch.rows[i])});
    return sums;
}

}  // namespace chainrule::ISA
