// From a mini-batch's inputs to its cost: N10 layer by layer, then BP1.
#pragma once
#include "dense.hpp"
#include "dropout.hpp"
#include "output.hpp"
#include "sparse.hpp"

namespace chainrule::ISA {

// What a worker knows of the mini-batch at hand.
struct Batch {
    Net<T> &net;
    const Data &data;
    Rows rows;
    long m;
    std::int64_t step;                // of the training; dropout draws by it
    T scale;                          // w of a sparse first layer is this times what stands there
    bool training;                    // with dropout
    int rank;                         // the worker's
    long pieces = 1;                  // into which the mini-batch is cut
    bool turned = false;              // whether the worker has turned over the upper layers' w already
    double *columns = nullptr;        // where a sparse first layer's squares go after the step, column by column, or null
};

// The part of a layer that a worker computes: some examples' rows, of some units.
struct Part { Share examples, units; };
static inline Part whole_rows(const Net<T> &net, int l, const Share &examples) { return {examples, Share{0, l < net.n_layers ? net.layers[l].ld : 0}}; }

// The dense inputs of some examples, as numbers
static void gather(const Batch &batch, const Share &examples) {
    with_values(batch.data.kind, batch.data.values, [&](auto *x) {
        const int n_in = batch.data.n_in;
        for (long i = examples.first; i < examples.last; ++i) {
            const auto *from = x + batch.rows[i] * n_in;
            T *to = batch.net.x + i * batch.net.x_stride;
            for (int k = 0; k < n_in; ++k) to[k] = number(from[k]);
        }
    });
}

// Whether the inputs can be taken as they lie: one example after another, in the network's own type
static inline bool lies_ready(const Batch &batch) { return !batch.rows.order && batch.data.kind == (sizeof(T) == 4 ? Kind::float32 : Kind::float64); }

// What a layer takes: the inputs, or what the layer before gives, through dropout's mask where there is one.
struct Input { const T *at; long stride; };
static inline Input input_of(const Batch &batch, int l) {
    if (l == 0 && lies_ready(batch)) return {static_cast<const T *>(batch.data.values) + batch.rows.first * batch.data.n_in, batch.data.n_in};
    if (l == 0) return {batch.net.x, batch.net.x_stride};
    const Layer<T> &prev = batch.net.layers[l - 1];
    return {batch.training && prev.dropout > 0 ? prev.h : prev.a, prev.stride};
}

// The padding of a hidden layer's a must be 0, since it meets delta in the gradient of the next layer's w.
static void clear_padding(const Layer<T> &layer, const Part &part) {
    const long last = layer.n_out & -lanes<T>;
    if (part.units.last <= layer.n_out) return;
    for (long i = part.examples.first; i < part.examples.last; ++i) {
        T *a = layer.a + i * layer.stride;
        for (long o = last; o < layer.ld; o += lanes<T>) store(a + o, first_lanes(load(a + o), layer.n_out - o));
    }
}

// to[k][r] = w[first + r][k] for `count` units, a block of lanes x lanes at a time
static void turn_over(const Layer<T> &layer, long first, long count, T *to) {
    for (long k = 0; k < layer.w.columns; k += lanes<T>)
        for (long c = 0; c < count; c += lanes<T>) {
            Vec<T> block[lanes<T>];
            const T *from = layer.w.at + offset(layer.w, first + c, k);
            const long width = panel_at(layer.w, k).width, real = layer.n_out - first - c;
            UNROLL for (int r = 0; r < lanes<T>; ++r) block[r] = r < real ? load(from + r * width) : Vec<T>{};
            turn<T>(block);
            UNROLL for (int r = 0; r < lanes<T>; ++r) store(to + (k + r) * count + c, block[r]);
        }
}

// A panel of w turned over. Pieces come by again and again: there each has a place of its own, and is turned over once a step.
static const T *turned_panel(const Batch &batch, const Layer<T> &layer, long first, long count) {
    T *room = batch.net.turned + batch.rank * batch.net.turned_size + (batch.pieces > 1 ? layer.turned_at + first * layer.w.columns : 0);
    if (!batch.turned) turn_over(layer, first, count, room);
    return room;
}

// z = w a + b where a single unit is all there is: a panel of one would leave the other lanes idle                             (N10)
static void single_unit(const Layer<T> &layer, const Input &input, const Share &examples) {
    for (long first = examples.first, last; first < examples.last; first = last) {  // as many as a vector holds are activated at once
        alignas(Vec<T>) T z[lanes<T>]{};
        last = first + lanes<T> < examples.last ? first + lanes<T> : examples.last;
        for (long i = first; i < last; ++i) units<1>(layer.w.at, layer.b, layer.w.columns, input.at + i * input.stride, z + (i - first));
        activate(layer.activation, Block{z, 1, lanes<T>, lanes<T>});
        for (long i = first; i < last; ++i) layer.a[i * layer.stride] = z[i - first];
    }
}

// z = w a + b for a part of a dense layer, and a = sigma(z) while a panel's z is near                                          (N10)
static void dense_layer(const Batch &batch, int l, const Part &part) {
    const Layer<T> &layer = batch.net.layers[l];
    const Input input = input_of(batch, l);
    const long rows = part.examples.count(), first = part.examples.first;
    const bool rectify = layer.activation == Activation::relu;
    if (layer.n_out == 1 && !layer.by_inputs) single_unit(layer, input, part.examples);
    else panels_of(layer.by_inputs ? layer.w : Panels<T>{nullptr, layer.w.columns, layer.ld, layer.ld}, part.units, [&](long o, long width) {
        T *z = layer.a + first * layer.stride + o;
        const T *w = layer.by_inputs ? layer.w.at + offset(layer.w, 0, o) : turned_panel(batch, layer, o, width);
        multiply(Product{input.at + first * input.stride, input.stride, 1, w, width, z, layer.stride, layer.b + o, rows, width, layer.n_in, false, rectify});
        if (!rectify) activate(layer.activation, Block{z, rows, layer.stride, width});
    });
}

// a <- sigma(w a + b) for a part of layer l, through dropout's mask where there is one                                         (N10)
static void feed(const Batch &batch, int l, const Part &part) {
    const Net<T> &net = batch.net;
    const Layer<T> &layer = net.layers[l];
    const long at = part.examples.first * layer.stride + part.units.first;
    if (l > 0 || !batch.data.sparse) {
        dense_layer(batch, l, part);
    } else {
        sparse_forward(layer, batch.data, batch.rows, part.examples, part.units, batch.scale);
        activate(layer.activation, Block{layer.a + at, part.examples.count(), layer.stride, part.units.count()});
    }
    if (layer.activation == Activation::softmax)
        for (long i = part.examples.first; i < part.examples.last; ++i) softmax(layer.a + i * layer.stride, layer.n_out);
    clear_padding(layer, part);
    if (!batch.training || layer.dropout == 0) return;
    dropout_masks(layer, l, net.seed, batch.step, part.examples, part.units);
    change(Block{layer.h + at, part.examples.count(), layer.stride, part.units.count()},
           [a = layer.a + at, mask = layer.mask + at](Vec<T>, long i) { return load(a + i) * load(mask + i); });
}

// Every layer: of the inputs some examples, of layer l what part_of(l) says
template <class PartOf>
static void feed_forward(const Batch &batch, const Share &examples, PartOf &&part_of) {
    if (!batch.data.sparse && !lies_ready(batch)) gather(batch, examples);
    for (int l = 0; l < batch.net.n_layers; ++l) feed(batch, l, part_of(l));
}

static inline double weight_of(const Data &data, std::int64_t row) { return data.weights ? data.weights[row] : 1; }

// One example's cost but for its chance's logarithm, whether it is right, and where it is wanted BP1
static double judge_one(const Batch &batch, long i, bool with_delta, double &chance) {
    const Net<T> &net = batch.net;
    const Data &data = batch.data;
    const Layer<T> &last = net.layers[net.n_layers - 1];
    const std::int64_t row = batch.rows[i];
    const T *a = last.a + i * last.stride;
    T *y = net.y + i * last.ld, *delta = last.delta + i * last.stride;
    targets_of(data, row, last, y);
    net.row_right[i] = data.classes && is_right(a, data.classes[row], last.n_out) ? weight_of(data, row) : 0;
    if (with_delta) output_delta(net, last, a, y, delta);
    for (long o = 0; with_delta && data.weights && o < last.ld; ++o) delta[o] *= T(data.weights[row]);
    const bool one_chance = net.cost == Cost::log_loss && data.labels && last.activation == Activation::softmax;  // which is NaN where any is
    if (one_chance) chance = inside(a[data.labels[row]]);
    return one_chance ? 0 : cost_of(net.cost, a, y, last.n_out, chance);
}
static void judge(const Batch &batch, const Share &examples, bool with_delta) {
    constexpr long at_once = lanes<double>;
    for (long first = examples.first; first < examples.last; first += at_once) {
        double costs[at_once], chances[at_once];
        for (double &chance : chances) chance = 1;
        const long count = examples.last - first < at_once ? examples.last - first : at_once;
        for (long i = 0; i < count; ++i) costs[i] = judge_one(batch, first + i, with_delta, chances[i]);
        store(chances, logarithm(load(chances)));
        for (long i = 0; i < count; ++i) batch.net.row_cost[first + i] = weight_of(batch.data, batch.rows[first + i]) * (costs[i] - chances[i]);
    }
}

// The sums over some examples, in their order
static Sums sums_of(const Batch &batch, const Share &examples) {
    Sums sums{0, 0, 0};
    for (long i = examples.first; i < examples.last; ++i)
        add(sums, {batch.net.row_cost[i], batch.net.row_right[i], weight_of(batch.data, batch.rows[i])});
    return sums;
}

}  // namespace chainrule::ISA
