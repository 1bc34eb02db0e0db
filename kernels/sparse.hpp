// The first layer of inputs that are mostly zeros: an example is a sum of a few rows of W, and its gradient touches only those rows.
#pragma once
#include "worker.hpp"

namespace chainrule::ISA {

// x / 255 of each byte, so that no division stands in a loop over pixels.
struct Pixels {
    T of[256];
    constexpr Pixels() : of{} {
        for (int v = 0; v < 256; ++v) of[v] = T(v) / T(255);
    }
};
static constexpr Pixels pixels;

template <class Value>
static inline T number(Value value) {
    if constexpr (sizeof(Value) == 1) return pixels.of[value];
    return T(value);
}

// Loops of their own: inlined side by side they leave the compiler without registers.
#define LOOP __attribute__((noinline)) static

// An example's z is a sum of this many, which grow side by side, so that an addition needn't wait for the one before.
constexpr int chains = VECTOR_BYTES == 64 ? 4 : 2;

// Rows of W this many entries ahead are fetched while a panel of W is larger than the second cache.
constexpr int ahead = 16;
static inline bool is_far(const Layer<T> &layer, long width) { return layer.w.rows * width * long(sizeof(T)) > 1 << 20; }

// The sum over some entries of x * row: an example's entries and rows of W, or an input's and rows of delta. A run of N vectors at a time is
// held in registers; finish(n, sum) takes each. The number of chains is the same for every width, and so are a sum's bits.
template <int N, int Chains, bool Fetch, class Index, class Value, class Finish>
LOOP void sum_rows(const T *rows, long stride, const Index *indices, const Value *values, long entries, Finish finish) {
    Vec<T> sum[Chains][N]{};
    const auto entry = [&](long e, Vec<T> *into) {
        const Vec<T> x = all<T>(number(values[e]));
        const T *row = rows + indices[e] * stride;
        UNROLL for (int n = 0; n < N; ++n) into[n] += x * load(row + n * lanes<T>);
    };
    long e = 0;
    for (; e + Chains <= entries; e += Chains) {
        if constexpr (Fetch)
            for (int c = 0; c < Chains; ++c) {
                const char *soon = reinterpret_cast<const char *>(rows + indices[e + c + ahead < entries ? e + c + ahead : e] * stride);
                for (long line = 0; line < N * VECTOR_BYTES; line += cache_line) __builtin_prefetch(soon + line);
            }
        UNROLL for (int c = 0; c < Chains; ++c) entry(e + c, sum[c]);
    }
    for (; e < entries; ++e) entry(e, sum[0]);
    UNROLL for (int n = 0; n < N; ++n) {
        Vec<T> total = sum[0][n] + sum[1][n];
        if constexpr (Chains == 4) total += sum[2][n] + sum[3][n];
        finish(n, total);
    }
}

// w[k] += x_k * delta for the example's entries, a run of N vectors at a time: BP4 and the step at once.                   (BP4)
template <int N, class Column, class Value>
LOOP void sparse_add_run(T *w, long width, const Column *columns, const Value *values, long entries, const T *delta) {
    Vec<T> run[N];
    UNROLL for (int n = 0; n < N; ++n) run[n] = load(delta + n * lanes<T>);
#pragma GCC unroll 4
    for (long e = 0; e < entries; ++e) {
        const Vec<T> x = all<T>(number(values[e]));
        T *row = w + columns[e] * width;
        UNROLL for (int n = 0; n < N; ++n) store(row + n * lanes<T>, load(row + n * lanes<T>) + x * run[n]);
    }
}

// Cut units into runs that stay in one panel and in registers, and call f.template operator()<N>(first) for each.
constexpr int run_vectors = 4;
template <int N = run_vectors, class F>
static inline void run_of(long first, long last, F &&f) {
    if constexpr (N > 0) {
        for (; last - first >= N * lanes<T>; first += N * lanes<T>) f.template operator()<N>(first);
        run_of<N - 1>(first, last, f);
    }
}
template <class F>
static inline void runs(const Panels<T> &w, const Share &units, F &&f) { panels_of(w, units, [&](long o, long width) { run_of(o, o + width, f); }); }

template <class F>
static inline void with_entries(const Data &data, std::int64_t row, F &&f) {
    const std::int64_t begin = data.starts[row], count = data.starts[row + 1] - begin;
    with_values(data.kind, data.values, [&](auto *values) {
        if (data.wide_columns) f(static_cast<const std::uint32_t *>(data.columns) + begin, values + begin, count);
        else f(static_cast<const std::uint16_t *>(data.columns) + begin, values + begin, count);
    });
}

// The examples of a mini-batch, or of a run of the data.
struct Rows {
    const std::int64_t *order, first;  // null for one after another
    std::int64_t operator[](long i) const { return order ? order[first + i] : first + i; }
};

// z = b + scale * (sum of x_k W[k] over an example's entries), for the units of a share; a panel at a time, which stays near    (N10)
static void sparse_forward(const Layer<T> &layer, const Data &data, const Rows &rows, const Share &examples, const Share &units, T scale) {
    const bool fetch = is_far(layer, panel_at(layer.w, units.first).width);
    runs(layer.w, units, [&]<int N>(long o) {
        const T *w = layer.w.at + offset(layer.w, 0, o), *b = layer.b + o;
        const long width = panel_at(layer.w, o).width;
        for (long i = examples.first; i < examples.last; ++i)
            with_entries(data, rows[i], [&](auto *columns, auto *values, long count) {
                const auto finish = [z = layer.a + i * layer.stride + o, b, scale](int n, Vec<T> sum) {
                    store(z + n * lanes<T>, load(b + n * lanes<T>) + scale * sum);
                };
                if (fetch) sum_rows<N, chains, true>(w, width, columns, values, count, finish);
                else sum_rows<N, chains, false>(w, width, columns, values, count, finish);
            });
    });
}

// nabla_w[k] = sum over the examples that have input k of x_k * delta                                                          (BP4)
static inline void sum_list(const Lists<T> &lists, long k, const T *delta, long stride, long width, T *g) {
    const std::int64_t begin = lists.starts[k], count = lists.starts[k + 1] - begin;
    run_of(0, width, [&]<int N>(long o) {
        const auto finish = [to = g + o](int n, Vec<T> sum) { store(to + n * lanes<T>, sum); };
        sum_rows<N, 2, false>(delta + o, stride, lists.examples + begin, lists.values + begin, count, finish);
    });
}

// Ask for the record of an example that the next mini-batch needs, while there is other work.
static inline void fetch(const void *from, const void *to) {
    for (auto line = reinterpret_cast<std::uintptr_t>(from) & -cache_line; line < reinterpret_cast<std::uintptr_t>(to); line += cache_line)
        __builtin_prefetch(reinterpret_cast<void *>(line));
    asm volatile("");  // GCC takes a function that only fetches for one without effect, and drops its calls
}
static inline void fetch_record(const Data &data, std::int64_t row) {
    with_entries(data, row, [](auto *columns, auto *values, long count) { fetch(columns, columns + count), fetch(values, values + count); });
    if (data.labels) __builtin_prefetch(data.labels + row);
    if (data.classes && data.classes != data.labels) __builtin_prefetch(data.classes + row);
}

// w[k] += x_k * delta for the units of a share; after these m rows come those of the next mini-batch
static void sparse_add(const Layer<T> &layer, const Data &data, const Rows &rows, long m, long nexts, const Share &units) {
    runs(layer.w, units, [&]<int N>(long o) {
        T *w = layer.w.at + offset(layer.w, 0, o);
        const long width = panel_at(layer.w, o).width;
        for (long i = 0; i < m; ++i) {
            if (o == units.first && i < nexts) fetch_record(data, rows[m + i]);
            with_entries(data, rows[i], [&](auto *columns, auto *values, long count) {
                sparse_add_run<N>(w, width, columns, values, count, layer.delta + i * layer.stride + o);
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
template <class Column, class Value>
LOOP void fill_lists(const Column *columns, const Value *values, long first, long last, std::int32_t example, std::int64_t *at, const Lists<T> &lists) {
    for (long e = first; e < last; ++e) {
        const std::int64_t to = at[columns[e]]++;
        lists.examples[to] = example;
        lists.values[to] = number(values[e]);
    }
}

}  // namespace chainrule::ISA
