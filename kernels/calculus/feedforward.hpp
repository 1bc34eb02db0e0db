// Feedforward layer by layer, targets, and the predicted class: the C++ form of
// calculus/feedforward.py.
#pragma once
#include "calculus/costs.hpp"
#include "calculus/dropout.hpp"
#include "calculus/input_features.hpp"
#include "linalg/gemm.hpp"
#include "runtime/mini_batch.hpp"
#include "sparse/first_layer.hpp"

namespace chainrule::ISA {

// The input of a layer: (m, n_in), rows `stride` apart.
struct LayerInput {
    const T *data;
    long stride;
};

// Whether dense inputs can be read in place: consecutive rows, in the network's own type, of which
// no features are computed.
static inline bool inputs_are_in_place(const MiniBatch &batch) {
    const InputKind own = sizeof(T) == 4 ? InputKind::float32 : InputKind::float64;
    return !batch.rows.order && batch.data.kind == own && !batch.data.features.computed;
}

// Gathers the dense inputs of some examples into network.x, and computes their features.
static void gather_inputs(const MiniBatch &batch, const Range &examples) {
    with_input_type(batch.data.kind, batch.data.values, [&](auto *x) {
        const int n_in = batch.data.n_in;
        for (long i = examples.first; i < examples.last; ++i) {
            const auto *from = x + batch.rows[i] * n_in;
            T *to = batch.network.x + i * batch.network.x_stride;
            for (int k = 0; k < n_in; ++k) {
                to[k] = to_number(from[k]);
            }
            if (batch.data.features.computed) {
                input_features(batch.data.features, n_in, to);
            }
        }
    });
}

// The input of layer l: the dense inputs, or the activations of the layer before, after dropout.
static inline LayerInput input_of(const MiniBatch &batch, int l) {
    if (l == 0 && inputs_are_in_place(batch)) {
        const T *x = static_cast<const T *>(batch.data.values);
        return {.data = x + batch.rows.first * batch.data.n_in, .stride = batch.data.n_in};
    }
    if (l == 0) {
        return {.data = batch.network.x, .stride = batch.network.x_stride};
    }
    const Layer<T> &previous = batch.network.layers[l - 1];
    const bool dropped = batch.training && previous.dropout > 0;
    return {.data = dropped ? previous.dropped_a : previous.a, .stride = previous.stride};
}

// to[k][r] = w[first_unit + r][k], (w.columns, units): w is (n_out, n_in). A block of lanes x lanes
// at a time; units beyond n_out become 0.
static void transpose_units(const Layer<T> &layer, long first_unit, long units, T *to) {
    for (long k = 0; k < layer.w.columns; k += lanes<T>) {
        for (long c = 0; c < units; c += lanes<T>) {
            Vec<T> block[lanes<T>];
            const T *from = layer.w.data + offset(layer.w, first_unit + c, k);
            const long width = panel_at(layer.w, k).width;
            const long existing = layer.n_out - first_unit - c;
            UNROLL
            for (int r = 0; r < lanes<T>; ++r) {
                block[r] = r < existing ? load(from + r * width) : Vec<T>{};
            }
            transpose_block<T>(block);
            UNROLL
            for (int r = 0; r < lanes<T>; ++r) {
                store(to + (k + r) * units + c, block[r]);
            }
        }
    }
}

// The transposed weights of a panel of units, (w.columns, units), in the worker's buffer. With
// microbatches every panel is used several times a step: the buffer then holds all panels, and each
// is transposed once.
static const T *transposed_panel(const MiniBatch &batch, const Layer<T> &layer, long first_unit,
                                 long units) {
    T *buffer = batch.network.transposed + batch.rank * batch.network.transposed_size;
    if (batch.microbatches > 1) {
        buffer += layer.transposed_w_offset + first_unit * layer.w.columns;
    }
    if (!batch.transposed_is_valid) {
        transpose_units(layer, first_unit, units, buffer);
    }
    return buffer;
}

// a = sigma(w a_prev + b) of a layer with one unit: sums along the inputs, since a panel of one
// unit would leave the other lanes idle                                                       (N10)
static void feedforward_one_unit(const Layer<T> &layer, const LayerInput &input,
                                 const Range &examples) {
    long last = examples.first;
    for (long first = examples.first; first < examples.last; first = last) {
        last = first + lanes<T> < examples.last ? first + lanes<T> : examples.last;
        alignas(Vec<T>) T z[lanes<T>]{};
        alignas(Vec<T>) T a[lanes<T>]{};
        for (long i = first; i < last; ++i) {
            weighted_input_of_units<1>(layer.w.data, layer.b, layer.w.columns,
                                       input.data + i * input.stride, z + (i - first));
        }
        store(a, load(z));
        activate(layer.activation, {.data = z, .rows = 1, .stride = lanes<T>, .width = lanes<T>},
                 a);
        for (long i = first; i < last; ++i) {
            weighted_inputs_of(layer)[i * layer.stride] = z[i - first];
            layer.a[i * layer.stride] = a[i - first];
        }
    }
}

// z <- w_scale z + b of a panel whose product was made with the unscaled w.
static void apply_w_scale(const Block &z, T w_scale, const T *b) {
    transform_in_place(
        z, [&](Vec<T> v, long index) { return load(b + index % z.stride) + w_scale * v; });
}

// a = sigma(w a_prev + b) of a region of a dense layer; a panel is activated while its z is in the
// cache                                                                                       (N10)
static void feedforward_dense(const MiniBatch &batch, int l, const Region &region) {
    const Layer<T> &layer = batch.network.layers[l];
    const LayerInput input = input_of(batch, l);
    if (layer.n_out == 1 && !layer.input_major) {
        return feedforward_one_unit(layer, input, region.examples);
    }
    const long first = region.examples.first;
    const long rows = length(region.examples);
    const bool scaled = l == 0 && batch.w_scale != 1;
    const bool apply_relu = layer.activation == Activation::relu && !scaled;
    const PanelMatrix<T> transposed{.data = nullptr,
                                    .rows = layer.w.columns,
                                    .columns = layer.padded_n_out,
                                    .columns_per_worker = layer.padded_n_out};
    const PanelMatrix<T> &panels = layer.input_major ? layer.w : transposed;
    for_each_panel(panels, region.units, [&](long o, long width) {
        const long index = first * layer.stride + o;
        const Block z{.data = weighted_inputs_of(layer) + index,
                      .rows = rows,
                      .stride = layer.stride,
                      .width = width};
        multiply(Product{
            .a = input.data + first * input.stride,
            .a_row_stride = input.stride,
            .a_k_stride = 1,
            .b = layer.input_major ? layer.w.data + offset(layer.w, 0, o)
                                   : transposed_panel(batch, layer, o, width),
            .b_stride = width,
            .c = z.data,
            .c_stride = layer.stride,
            .rows = rows,
            .columns = width,
            .depth = layer.n_in,
            .bias = scaled ? nullptr : layer.b + o,
            .apply_relu = apply_relu,
        });
        if (scaled) {
            apply_w_scale(z, batch.w_scale, layer.b + o);
        }
        if (!apply_relu) {
            activate(layer.activation, z, layer.a + index);
        }
    });
}

// Sets the padding of `a` to 0: BP4 of the next layer multiplies it with delta.
static void clear_padding(const Layer<T> &layer, const Region &region) {
    if (region.units.last <= layer.n_out) {
        return;
    }
    const long first = layer.n_out & -lanes<T>;
    for (long i = region.examples.first; i < region.examples.last; ++i) {
        T *a = layer.a + i * layer.stride;
        for (long o = first; o < layer.padded_n_out; o += lanes<T>) {
            store(a + o, first_lanes(load(a + o), layer.n_out - o));
        }
    }
}

// a = sigma(w a_prev + b) of a region of layer l, and its product with dropout's mask       (N10)
static void feedforward_layer(const MiniBatch &batch, int l, const Region &region) {
    const Network<T> &network = batch.network;
    const Layer<T> &layer = network.layers[l];
    const long index = region.examples.first * layer.stride + region.units.first;
    const long rows = length(region.examples);
    const long units = length(region.units);
    if (l > 0 || !batch.data.sparse) {
        feedforward_dense(batch, l, region);
    } else {
        sparse_weighted_input(layer, batch.data, batch.rows, region, batch.w_scale);
        const Block z{.data = weighted_inputs_of(layer) + index,
                      .rows = rows,
                      .stride = layer.stride,
                      .width = units};
        activate(layer.activation, z, layer.a + index);
    }
    if (layer.activation == Activation::softmax) {
        for (long i = region.examples.first; i < region.examples.last; ++i) {
            softmax(layer.a + i * layer.stride, layer.n_out);
        }
    }
    clear_padding(layer, region);
    if (batch.training && layer.dropout > 0) {
        dropout_draws(layer, l, network.seed, batch.step, region.examples, region.units);
        apply_dropout_mask(layer, region.examples, region.units, layer.a, layer.dropped_a);
    }
}

// Computes every layer from the inputs of some examples. region_of(l) gives the region of layer l
// to compute next; it may wait at a barrier.
template <class RegionOf>
static void feedforward(const MiniBatch &batch, const Range &examples, RegionOf &&region_of) {
    if (!batch.data.sparse && !inputs_are_in_place(batch)) {
        gather_inputs(batch, examples);
    }
    for (int l = 0; l < batch.network.n_layers; ++l) {
        feedforward_layer(batch, l, region_of(l));
    }
}

// y of one example as numbers, padded with 0.
static void target_of(const Data &data, std::int64_t row, const Layer<T> &output, T *y) {
    if (data.labels) {
        for (long o = 0; o < output.padded_n_out; o += lanes<T>) {
            const Vec<T> lane = broadcast<T>(T(data.labels[row] - o));
            store(y + o, lane_numbers() == lane ? broadcast<T>(1) : Vec<T>{});
        }
        return;
    }
    for (long o = 0; o < output.padded_n_out; o += lanes<T>) {
        store(y + o, Vec<T>{});
    }
    for (int o = 0; o < output.n_out; ++o) {
        y[o] = T(data.targets[row * output.n_out + o]);
    }
}

// Whether `label` is the predicted class. A single output predicts 1 above 0.5, else 0. Of several
// outputs the largest decides, as in NumPy's argmax: the first of equal ones, and NaN before any
// number.
static bool decision_is(const T *a, int label, int n_out) {
    if (n_out == 1) {
        return (a[0] > T(0.5)) == bool(label);
    }
    if (label < 0 || label >= n_out) {
        return false;
    }
    const T candidate = a[label];
    Vec<T> winners{};  // counts the outputs that precede it
    for (int o = 0; o < n_out; o += lanes<T>) {
        const Vec<T> other = load(a + o);
        const Vec<T> zero{};
        const Vec<T> one = broadcast<T>(1);
        const Vec<T> if_earlier = lane_numbers() < T(label - o) ? one : zero;
        const Vec<T> wins = candidate != candidate ? (other != other ? if_earlier : zero)
                                                   : (other < candidate    ? zero
                                                      : other == candidate ? if_earlier
                                                                           : one);
        winners += first_lanes(wins, n_out - o);
    }
    return sum_lanes<T>(winners) == 0;
}

}  // namespace chainrule::ISA
