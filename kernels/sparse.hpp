// The first layer of inputs that are mostly zeros: an example is a sum of a few rows of W, and its gradient touches only those rows.
#pragma once
#include "simd.hpp"

namespace chainrule::ISA {

// x / 255 of each byte, so that no division stands in a loop over pixels.
template <class T>
struct Pixels {
    T of[256];
    constexpr Pixels() : of{} {
        for (int v = 0; v < 256; ++v) of[v] = T(v) / T(255);
    }
};
template <class T>
static constexpr Pixels<T> pixels;

template <class T, class Value>
static inline T number(Value value) {
    if constexpr (sizeof(Value) == 1) return pixels<T>.of[value];
    return T(value);
}

// z = b + sum over the example's entries of x_k W[k], a run of N vectors at a time, held in registers.                    (N10)
template <class T, int N, class Column, class Value>
static inline void sparse_run(const Layer<T> &layer, const Column *columns, const Value *values, long entries, T *z, long first) {
    Vec<T> sum[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) sum[n] = load(layer.b + first + n * lanes<T>);
    for (long e = 0; e < entries; ++e) {
        const Vec<T> x = all<T>(number<T>(values[e]));
        const T *row = layer.w + columns[e] * layer.ld + first;
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[n] += x * load(row + n * lanes<T>);
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store(z + first + n * lanes<T>, sum[n]);
}

// out[k] += x_k * delta for the example's entries, a run of N vectors at a time.                                             (BP4)
template <class T, int N, class Column, class Value>
static inline void sparse_add_run(const Column *columns, const Value *values, long entries, const T *delta, T *out, long ld, long first) {
    Vec<T> run[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) run[n] = load(delta + first + n * lanes<T>);
    for (long e = 0; e < entries; ++e) {
        const Vec<T> x = all<T>(number<T>(values[e]));
        T *row = out + columns[e] * ld + first;
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) store(row + n * lanes<T>, load(row + n * lanes<T>) + x * run[n]);
    }
}

// Cut a padded width into runs of at most 8 vectors, and call f.template operator()<N>(first) for each.
template <class T, int N = 8, class F>
static inline void runs(long first, long width, F &&f) {
    if constexpr (N > 0) {
        for (; width - first >= N * lanes<T>; first += N * lanes<T>) f.template operator()<N>(first);
        runs<T, N - 1>(first, width, f);
    }
}

template <class T, class F>
static inline void with_entries(const Data &data, std::int64_t row, F &&f) {
    const std::int64_t begin = data.starts[row], count = data.starts[row + 1] - begin;
    const auto typed = [&](auto *columns) {
        switch (data.value_kind) {
            case Kind::pixels: return f(columns, static_cast<const std::uint8_t *>(data.values) + begin, count);
            case Kind::float32: return f(columns, static_cast<const float *>(data.values) + begin, count);
            default: return f(columns, static_cast<const double *>(data.values) + begin, count);
        }
    };
    if (data.wide_columns) return typed(static_cast<const std::uint32_t *>(data.columns) + begin);
    return typed(static_cast<const std::uint16_t *>(data.columns) + begin);
}

template <class T>
static void sparse_forward(const Layer<T> &layer, const Data &data, std::int64_t row, T *z) {
    with_entries<T>(data, row, [&](auto *columns, auto *values, long count) {
        runs<T>(0, layer.ld, [&]<int N>(long first) { sparse_run<T, N>(layer, columns, values, count, z, first); });
    });
}

// out[k] += x_k * delta: into the gradient, or straight into the weights, delta holding -rate / m of itself.
template <class T>
static void sparse_add(const Layer<T> &layer, const Data &data, std::int64_t row, const T *delta, T *out) {
    with_entries<T>(data, row, [&](auto *columns, auto *values, long count) {
        runs<T>(0, layer.ld, [&]<int N>(long first) { sparse_add_run<T, N>(columns, values, count, delta, out, layer.ld, first); });
    });
}

template <class T>
static void sparse_clear(const Layer<T> &layer, const Data &data, std::int64_t row, T *out) {
    with_entries<T>(data, row, [&](auto *columns, auto *, long count) {
        for (long e = 0; e < count; ++e)
            for (long o = 0; o < layer.ld; o += lanes<T>) store(out + columns[e] * layer.ld + o, Vec<T>{});
    });
}

}  // namespace chainrule::ISA
