// A few rows through the caller's own arrays, (n_out, n_in) as in the notes: for one row, laying out the weights anew would cost more
// than the whole answer.
#pragma once
#include "dense.hpp"
#include "sparse.hpp"

namespace chainrule::ISA {

// One row's inputs as numbers, and whether they may be: finite and between low and high, and of pixels not all 0 or 1.
template <class Value>
static bool take_row(const Value *x, long n_in, T *a, T low, T high) {
    T zero = 0;
    int largest = 0;
    bool outside = false;
    for (long k = 0; k < n_in; ++k) {
        a[k] = number(x[k]);
        if constexpr (sizeof(Value) == 1) {
            largest = x[k] > largest ? x[k] : largest;
        } else {
            zero += a[k] * 0;
            outside |= (a[k] < low) | (a[k] > high);
        }
    }
    for (long k = n_in; k < padded(n_in, line<T>); ++k) a[k] = 0;
    return sizeof(Value) == 1 ? largest > 1 : zero == 0 && !outside;
}

static bool few(const Few<T> &net, Kind kind, const void *x, long m, T *out) {
    const FlushToZero flush;
    const long n_in = net.layers[0].n_in, n_out = net.layers[net.n_layers - 1].n_out;
    for (long i = 0; i < m; ++i) {
        if (!with_values(kind, x, [&](auto *rows) { return take_row(rows + i * n_in, n_in, net.room[0], net.low, net.high); })) return false;
        for (int l = 0; l < net.n_layers; ++l) {
            const FewLayer<T> &layer = net.layers[l];
            const long width = padded(layer.n_out, line<T>);
            T *a = net.room[l % 2], *z = net.room[1 - l % 2];
            long o = 0;
            for (; o + 4 <= layer.n_out; o += 4) units<4>(layer.w + o * layer.n_in, layer.b + o, layer.n_in, a, z + o);
            for (; o < layer.n_out; ++o) units<1>(layer.w + o * layer.n_in, layer.b + o, layer.n_in, a, z + o);
            activate(layer.activation, Block{z, 1, width, width});
            if (layer.activation == Activation::softmax) softmax(z, int(layer.n_out));
            for (o = layer.n_out; o < width; ++o) z[o] = 0;
        }
        for (long o = 0; o < n_out; ++o) out[i * n_out + o] = net.room[net.n_layers % 2][o];
    }
    return true;
}

}  // namespace chainrule::ISA
