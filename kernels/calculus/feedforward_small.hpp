// Feedforward of a few rows through the caller's own arrays, (n_out, n_in) as in the notes.
//
// For one row, arranging the weights in panels would take longer than computing the outputs.
#pragma once
#include "linalg/gemm.hpp"
#include "runtime/network.hpp"
#include "sparse/csr.hpp"

namespace chainrule::ISA {

// Reads one row's inputs as numbers, padded with 0 to whole cache lines. Returns false where they
// need a check by the caller: floats that are not finite or not between `lowest` and `highest`, and
// pixels that are all 0 or 1.
template <class Value>
static bool read_row(const Value *x, long n_in, T *a, T lowest, T highest) {
    T zero = 0;  // a finite number times 0 is 0, others are NaN
    int largest_pixel = 0;
    bool outside = false;
    for (long k = 0; k < n_in; ++k) {
        a[k] = to_number(x[k]);
        if constexpr (sizeof(Value) == 1) {
            largest_pixel = x[k] > largest_pixel ? x[k] : largest_pixel;
        } else {
            zero += a[k] * 0;
            outside |= (a[k] < lowest) | (a[k] > highest);
        }
    }
    for (long k = n_in; k < round_up(n_in, line<T>); ++k) {
        a[k] = 0;
    }
    return sizeof(Value) == 1 ? largest_pixel > 1 : zero == 0 && !outside;
}

// sum[u] += w[unit][k] a[k] for the `blocks` runs of lanes<T> units from `w` on, and `depth` inputs.
// A block of the weights is transposed in registers, so that each sum runs over k in ascending
// order, as in multiply_tile: a row has the same bits alone and in a large batch.
template <int Blocks>
static inline void add_inputs(const T *w, long n_in, long units, const T *a, long depth,
                              Vec<T> (&sum)[Blocks]) {
    UNROLL
    for (int u = 0; u < Blocks; ++u) {
        Vec<T> block[lanes<T>];
        UNROLL
        for (int r = 0; r < lanes<T>; ++r) {
            const T *from = w + (u * lanes<T> + r) * n_in;
            block[r] = u * lanes<T> + r >= units ? Vec<T>{}
                       : depth == lanes<T>       ? load(from)
                                                 : load_partial(from, depth);
        }
        transpose_block<T>(block);
        for (int k = 0; k < depth; ++k) {
            sum[u] += broadcast<T>(a[k]) * block[k];
        }
    }
}

// z = w a + b of `units` units, at most Blocks vectors of them                                (N10)
template <int Blocks>
static inline void weighted_input_of_row(const T *w, const T *b, long n_in, long units, const T *a,
                                         T *z) {
    Vec<T> sum[Blocks];
    for (int u = 0; u < Blocks; ++u) {
        const long existing = units - u * lanes<T>;
        sum[u] = existing >= lanes<T> ? load(b + u * lanes<T>)
                 : existing > 0       ? load_partial(b + u * lanes<T>, existing)
                                      : Vec<T>{};
    }
    long k = 0;
    if (units == Blocks * lanes<T>) {  // no test of each unit in the loop
        for (; k + lanes<T> <= n_in; k += lanes<T>) {
            add_inputs<Blocks>(w + k, n_in, Blocks * lanes<T>, a + k, lanes<T>, sum);
        }
    }
    for (; k < n_in; k += lanes<T>) {
        add_inputs<Blocks>(w + k, n_in, units, a + k, n_in - k < lanes<T> ? n_in - k : lanes<T>,
                           sum);
    }
    for (int u = 0; u < Blocks; ++u) {
        store(z + u * lanes<T>, sum[u]);
    }
}

// z = w a + b, then a = sigma(z), of layer l and one row, with the sums in the order of
// feedforward_dense. `a` and `z` are padded to whole cache lines, and do not overlap          (N10)
static void feedforward_row(const BorrowedLayer<T> &layer, int l, const T *a, T *z) {
    constexpr int blocks = int(line<T> / lanes<T>);
    const long width = round_up(layer.n_out, line<T>);
    if (layer.n_out == 1 && l > 0) {  // as feedforward_one_unit
        weighted_input_of_units<1>(layer.w, layer.b, layer.n_in, a, z);
    } else {
        for (long o = 0; o < layer.n_out; o += line<T>) {
            const long units = layer.n_out - o < line<T> ? layer.n_out - o : line<T>;
            weighted_input_of_row<blocks>(layer.w + o * layer.n_in, layer.b + o, layer.n_in, units,
                                          a, z + o);
        }
    }
    activate(layer.activation, {.data = z, .rows = 1, .stride = width, .width = width}, z);
    if (layer.activation == Activation::softmax) {
        softmax(z, int(layer.n_out));
    }
    for (long o = layer.n_out; o < width; ++o) {
        z[o] = 0;
    }
}

// Writes the outputs of m dense rows to `out` (m, n_out), on one thread. Returns false where
// read_row does; `out` is then unspecified.
static bool forward_small(const BorrowedNetwork<T> &network, InputKind kind, const void *x, long m,
                          T *out) {
    const FlushDenormals flush;
    const long n_in = network.layers[0].n_in;
    const long n_out = network.layers[network.n_layers - 1].n_out;
    for (long i = 0; i < m; ++i) {
        const bool readable = with_input_type(kind, x, [&](auto *rows) {
            return read_row(rows + i * n_in, n_in, network.buffers[0], network.lowest_input,
                            network.highest_input);
        });
        if (!readable) {
            return false;
        }
        for (int l = 0; l < network.n_layers; ++l) {
            feedforward_row(network.layers[l], l, network.buffers[l % 2],
                            network.buffers[1 - l % 2]);
        }
        const T *outputs = network.buffers[network.n_layers % 2];
        for (long o = 0; o < n_out; ++o) {
            out[i * n_out + o] = outputs[o];
        }
    }
    return true;
}

}  // namespace chainrule::ISA
