// The first layer of inputs that are mostly zeros: an example is a sum of a few rows of W, and its gradient touches only those rows.
#pragma once
#include "simd.hpp"
#include "worker.hpp"

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

// Loops of their own: inlined side by side they leave the compiler without registers.
#define LOOP __attribute__((noinline)) static

// Sums that grow side by side, so that an addition needn't wait for the one before. Their number is the same for every width, and so
// are a sum's bits whoever computes it.
constexpr int chains = VECTOR_BYTES == 64 ? 4 : 2;

// Rows of W this many entries ahead are fetched while a panel of W is larger than the second cache.
constexpr int ahead = 16;

// z = b + scale * (sum over the example's entries of x_k W[k]), a run of N vectors at a time, held in registers.          (N10)
template <class T, int N, bool Fetch, class Column, class Value>
LOOP void sparse_run(const T *w, long width, const T *b, T scale, const Column *columns, const Value *values, long entries, T *z) {
    Vec<T> sum[chains][N]{};
    const auto entry = [&](long e, Vec<T> *into) {
        const Vec<T> x = all<T>(number<T>(values[e]));
        const T *row = w + columns[e] * width;
        UNROLL for (int n = 0; n < N; ++n) into[n] += x * load(row + n * lanes<T>);
    };
    long e = 0;
    for (; e + chains <= entries; e += chains) {
        if constexpr (Fetch)
            for (int c = 0; c < chains; ++c) {
                const char *soon = reinterpret_cast<const char *>(w + columns[e + c + ahead < entries ? e + c + ahead : e] * width);
                for (long line = 0; line < N * VECTOR_BYTES; line += cache_line) __builtin_prefetch(soon + line);
            }
        UNROLL for (int c = 0; c < chains; ++c) entry(e + c, sum[c]);
    }
    for (; e < entries; ++e) entry(e, sum[0]);
    UNROLL for (int n = 0; n < N; ++n) {
        Vec<T> total = sum[0][n] + sum[1][n];
        if constexpr (chains == 4) total += sum[2][n] + sum[3][n];
        store(z + n * lanes<T>, load(b + n * lanes<T>) + scale * total);
    }
}

// w[k] += x_k * delta for the example's entries, a run of N vectors at a time: BP4 and the step at once.                   (BP4)
template <class T, int N, class Column, class Value>
LOOP void sparse_add_run(T *w, long width, const Column *columns, const Value *values, long entries, const T *delta) {
    Vec<T> run[N];
    UNROLL for (int n = 0; n < N; ++n) run[n] = load(delta + n * lanes<T>);
#pragma GCC unroll 4
    for (long e = 0; e < entries; ++e) {
        const Vec<T> x = all<T>(number<T>(values[e]));
        T *row = w + columns[e] * width;
        UNROLL for (int n = 0; n < N; ++n) store(row + n * lanes<T>, load(row + n * lanes<T>) + x * run[n]);
    }
}

// nabla_w[k] = sum over the examples that have input k of x_k * delta, a run of N vectors at a time.                       (BP4)
template <class T, int N>
LOOP void list_run(const Lists<T> &lists, long k, const T *delta, long stride, T *g) {
    Vec<T> even[N]{}, odd[N]{};  // two sums, so that an addition needn't wait for the one before
    long e = lists.starts[k];
    const long end = lists.starts[k + 1];
    for (; e + 1 < end; e += 2) {
        const T *row0 = delta + lists.examples[e] * stride, *row1 = delta + lists.examples[e + 1] * stride;
        const Vec<T> x0 = all<T>(lists.values[e]), x1 = all<T>(lists.values[e + 1]);
        UNROLL for (int n = 0; n < N; ++n) even[n] += x0 * load(row0 + n * lanes<T>), odd[n] += x1 * load(row1 + n * lanes<T>);
    }
    if (e < end) {
        const T *row = delta + lists.examples[e] * stride;
        const Vec<T> x = all<T>(lists.values[e]);
        UNROLL for (int n = 0; n < N; ++n) even[n] += x * load(row + n * lanes<T>);
    }
    UNROLL for (int n = 0; n < N; ++n) store(g + n * lanes<T>, even[n] + odd[n]);
}

// Cut units into runs that stay in one panel and in registers, and call f.template operator()<N>(first) for each.
constexpr int run_vectors = 4;
template <class T, int N = run_vectors, class F>
static inline void run_of(long first, long last, F &&f) {
    if constexpr (N > 0) {
        for (; last - first >= N * lanes<T>; first += N * lanes<T>) f.template operator()<N>(first);
        run_of<T, N - 1>(first, last, f);
    }
}
template <class T, class F>
static inline void runs(const Panels<T> &w, const Share &units, F &&f) {
    panels_of(w.panel, units, [&](long o, long width) { run_of<T>(o, o + width, f); });
}

template <class T, class F>
static inline void with_entries(const Data &data, std::int64_t row, F &&f) {
    const std::int64_t begin = data.starts[row], count = data.starts[row + 1] - begin;
    with_values(data.value_kind, data.values, [&](auto *values) {
        if (data.wide_columns) f(static_cast<const std::uint32_t *>(data.columns) + begin, values + begin, count);
        else f(static_cast<const std::uint16_t *>(data.columns) + begin, values + begin, count);
    });
}

// The examples of a mini-batch, or of a run of the data.
struct Rows {
    const std::int64_t *order;        // null for one after another
    std::int64_t first;
    std::int64_t operator[](long i) const { return order ? order[first + i] : first + i; }
};

// z of some examples for the units of a share; a panel at a time, so that its part of W stays near
template <class T>
static void sparse_forward(const Layer<T> &layer, const Data &data, const Rows &rows, const Share &examples, const Share &units, T scale) {
    const bool fetch = layer.w.rows * layer.w.panel * long(sizeof(T)) > 1 << 20;  // larger than the second cache
    runs<T>(layer.w, units, [&]<int N>(long o) {
        const T *w = layer.w.at + offset(layer.w, 0, o);
        const long width = width_at(layer.w, o);
        for (long i = examples.first; i < examples.last; ++i)
            with_entries<T>(data, rows[i], [&](auto *columns, auto *values, long count) {
                T *z = layer.a + i * layer.stride + o;
                if (fetch) sparse_run<T, N, true>(w, width, layer.b + o, scale, columns, values, count, z);
                else sparse_run<T, N, false>(w, width, layer.b + o, scale, columns, values, count, z);
            });
    });
}

// Ask for the record of an example that the next mini-batch needs, while there is other work.
static inline void fetch(const void *from, std::int64_t begin, std::int64_t end) {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(from);
    for (std::uintptr_t line = (at + begin) & -cache_line; line < at + end; line += cache_line) __builtin_prefetch(reinterpret_cast<void *>(line));
    asm volatile("");  // GCC takes a function that only fetches for one without effect, and drops its calls
}
static inline void fetch_record(const Data &data, std::int64_t row) {
    const std::int64_t begin = data.starts[row], end = data.starts[row + 1];
    const long column_bytes = data.wide_columns ? 4 : 2, value_bytes = data.value_kind == Kind::pixels ? 1 : data.value_kind == Kind::float32 ? 4 : 8;
    fetch(data.columns, begin * column_bytes, end * column_bytes);
    fetch(data.values, begin * value_bytes, end * value_bytes);
    if (data.labels) __builtin_prefetch(data.labels + row);
    if (data.classes && data.classes != data.labels) __builtin_prefetch(data.classes + row);
}

// w[k] += x_k * delta for the units of a share; `next` are the examples after these m, as many as there are
template <class T>
static void sparse_add(const Layer<T> &layer, const Data &data, const Rows &rows, long m, const Share &units, const Rows &next, long nexts) {
    runs<T>(layer.w, units, [&]<int N>(long o) {
        T *w = layer.w.at + offset(layer.w, 0, o);
        const long width = width_at(layer.w, o);
        for (long i = 0; i < m; ++i) {
            if (o == units.first && i < nexts) fetch_record(data, next[i]);
            with_entries<T>(data, rows[i], [&](auto *columns, auto *values, long count) {
                sparse_add_run<T, N>(w, width, columns, values, count, layer.delta + i * layer.stride + o);
            });
        }
    });
}

template <class Column>
static inline long lower_bound(const Column *columns, long count, long wanted) {
    long first = 0;
    while (count > 0) {
        const long half = count / 2;
        if (long(columns[first + half]) < wanted) first += half + 1, count -= half + 1;
        else count = half;
    }
    return first;
}

template <class Column>
LOOP void count_columns(const Column *columns, long first, long last, std::int64_t *counts) {
    for (long e = first; e < last; ++e) ++counts[columns[e]];
}
template <class T, class Column, class Value>
LOOP void fill_lists(const Column *columns, const Value *values, long first, long last, std::int32_t example, std::int64_t *at, const Lists<T> &lists) {
    for (long e = first; e < last; ++e) {
        const std::int64_t to = at[columns[e]]++;
        lists.examples[to] = example;
        lists.values[to] = number<T>(values[e]);
    }
}

// The batch turned over: for each input of a share, the examples that have it. Counted, then filled in the examples' order.
template <class T>
static void make_lists(const Lists<T> &lists, const Data &data, const Rows &rows, long m, const Share &inputs, std::uint8_t *met) {
    constexpr long soon = 4;
    std::int64_t *at = lists.starts + 1;  // at[k] ends up where input k's entries end
    for (long k = inputs.first; k <= inputs.last + 1; ++k) lists.starts[k] = 0;
    const auto each = [&](auto &&f) {
        for (long i = 0; i < m; ++i)
            with_entries<T>(data, rows[i], [&](auto *columns, auto *values, long count) {
                const long first = inputs.first > 0 ? lower_bound(columns, count, inputs.first) : 0;
                const long last = inputs.last < data.n_in ? lower_bound(columns, count, inputs.last) : count;
                f(i, columns, values, first, last);
            });
    };
    each([&](long i, auto *columns, auto *, long first, long last) {
        if (i + soon < m) fetch_record(data, rows[i + soon]);
        count_columns(columns, first, last, at + 1);
    });
    for (long k = inputs.first; k < inputs.last; ++k) {
        met[k] |= at[k + 1] > 0;
        at[k + 1] += at[k];
    }
    each([&](long i, auto *columns, auto *values, long first, long last) {
        fill_lists(columns, values, first, last, std::int32_t(i), at, lists);
    });
}

}  // namespace chainrule::ISA
