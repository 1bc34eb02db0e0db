// A few rows through the caller's own arrays, (n_out, n_in) as in the notes: for one row, laying out the weights anew would cost more
// than the whole answer.
#pragma once
#include "activations.hpp"
#include "sparse.hpp"

namespace chainrule::ISA {

template <class T>
static inline Vec<T> load_some(const T *p, long count) {
    alignas(VECTOR_BYTES) T some[lanes<T>]{};
    for (long i = 0; i < count; ++i) some[i] = p[i];
    return load(some);
}

// z = w a + b for U units at once, each a sum of products over the inputs; a is padded with zeros                              (N10)
template <class T, int U>
static inline void units(const T *w, const T *b, long n_in, const T *a, T *z) {
    Vec<T> sum[U]{};
    long k = 0;
    for (; k + lanes<T> <= n_in; k += lanes<T>) {
        const Vec<T> x = load(a + k);
        UNROLL for (int u = 0; u < U; ++u) sum[u] += x * load(w + u * n_in + k);
    }
    for (int u = 0; u < U; ++u) {
        if (k < n_in) sum[u] += load(a + k) * load_some(w + u * n_in + k, n_in - k);
        z[u] = b[u] + total<T>(sum[u]);
    }
}

// One row's inputs as numbers, and whether they may be: finite, and of pixels not all 0 or 1.
template <class T, class Value>
static bool take_row(const Value *x, long n_in, T *a) {
    T zero = 0;
    int largest = 0;
    for (long k = 0; k < n_in; ++k) {
        a[k] = number<T>(x[k]);
        if constexpr (sizeof(Value) == 1) largest = x[k] > largest ? x[k] : largest;
        else zero += a[k] * 0;
    }
    for (long k = n_in; k < padded(n_in, line<T>); ++k) a[k] = 0;
    return sizeof(Value) == 1 ? largest > 1 : zero == 0;
}

template <class T>
static bool few(const Few<T> &net, Kind kind, const void *x, long m, T *out) {
    const FlushToZero flush;
    const long n_in = net.layers[0].n_in, n_out = net.layers[net.n_layers - 1].n_out;
    for (long i = 0; i < m; ++i) {
        T *a = net.room[0], *z = net.room[1];
        if (!with_values(kind, x, [&](auto *rows) { return take_row(rows + i * n_in, n_in, a); })) return false;
        for (int l = 0; l < net.n_layers; ++l) {
            const FewLayer<T> &layer = net.layers[l];
            const long width = padded(layer.n_out, line<T>);
            long o = 0;
            for (; o + 4 <= layer.n_out; o += 4) units<T, 4>(layer.w + o * layer.n_in, layer.b + o, layer.n_in, a, z + o);
            for (; o < layer.n_out; ++o) units<T, 1>(layer.w + o * layer.n_in, layer.b + o, layer.n_in, a, z + o);
            activate(layer.activation, int(layer.n_out), Block<T>{z, 1, width, width});
            for (o = layer.n_out; o < width; ++o) z[o] = 0;
            T *other = a;
            a = z;
            z = other;
        }
        for (long o = 0; o < n_out; ++o) out[i * n_out + o] = a[o];
    }
    return true;
}

}  // namespace chainrule::ISA
