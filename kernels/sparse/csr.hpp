// Rows of a CSR matrix, and the two kernels over their entries: a weighted sum of rows of another
// matrix (the forward pass), and its transpose, adding multiples of one vector to rows.
#pragma once
#include "linalg/panels.hpp"
#include "linalg/simd.hpp"
#include "runtime/data.hpp"

// Two kernels inlined into one function compete for its vector registers.
#define NOINLINE __attribute__((noinline))

namespace chainrule::ISA {

// x / 255 for each byte x: a table, since a division would dominate loops over pixels.
struct PixelTable {
    T value[256];
    constexpr PixelTable() : value{} {
        for (int x = 0; x < 256; ++x) {
            value[x] = T(x) / T(255);
        }
    }
};
static constexpr PixelTable pixel_table;

// An input as a number.
template <class Value>
static inline T to_number(Value value) {
    if constexpr (sizeof(Value) == 1) {
        return pixel_table.value[value];
    } else {
        return T(value);
    }
}

// Calls f(columns, values, count) with the entries of one row.
template <class F>
static inline void with_csr_row(const Data &data, std::int64_t row, F &&f) {
    const std::int64_t begin = data.row_starts[row];
    const std::int64_t count = data.row_starts[row + 1] - begin;
    with_input_type(data.kind, data.values, [&](auto *values) {
        if (data.wide_columns) {
            f(static_cast<const std::uint32_t *>(data.columns) + begin, values + begin, count);
        } else {
            f(static_cast<const std::uint16_t *>(data.columns) + begin, values + begin, count);
        }
    });
}

static inline void prefetch(const void *from, const void *to) {
    const auto end = reinterpret_cast<std::uintptr_t>(to);
    auto address = reinterpret_cast<std::uintptr_t>(from) & -cache_line_bytes;
    while (address < end) {
        __builtin_prefetch(reinterpret_cast<void *>(address));
        address += cache_line_bytes;
    }
    asm volatile("");  // GCC drops calls to a function that only prefetches: it has no effect
}

// Prefetches an example's entries and label.
static inline void prefetch_example(const Data &data, std::int64_t row) {
    with_csr_row(data, row, [](auto *columns, auto *values, long count) {
        prefetch(columns, columns + count);
        prefetch(values, values + count);
    });
    if (data.labels) {
        __builtin_prefetch(data.labels + row);
    }
    if (data.classes && data.classes != data.labels) {
        __builtin_prefetch(data.classes + row);
    }
}

// Independent accumulators of a row's sum, so that an addition need not wait for the one before.
constexpr int accumulators = VECTOR_BYTES == 64 ? 4 : 2;

// sum over entries of values[e] * rows[indices[e]], for N adjacent vectors of the rows; then
// finish(n, sum) for each vector n. `rows` points at the first of these vectors in row 0.
//
// Entries alternate between the accumulators. Their number is the same for every N, so that a sum's
// bits do not depend on its vector's position. `Prefetch`: whether to prefetch the row
// `prefetch_distance` entries ahead, for rows that are not in the second-level cache.
template <int N, int Accumulators, bool Prefetch, class Index, class Value, class Finish>
NOINLINE static void sum_of_rows(const T *rows, long stride, const Index *indices,
                                 const Value *values, long entries, Finish finish) {
    constexpr int prefetch_distance = 16;
    Vec<T> sum[Accumulators][N]{};
    const auto add_entry = [&](long e, Vec<T> *accumulator) {
        const Vec<T> x = broadcast<T>(to_number(values[e]));
        const T *row = rows + indices[e] * stride;
        UNROLL
        for (int n = 0; n < N; ++n) {
            accumulator[n] += x * load(row + n * lanes<T>);
        }
    };
    long e = 0;
    for (; e + Accumulators <= entries; e += Accumulators) {
        if constexpr (Prefetch) {
            for (int k = 0; k < Accumulators; ++k) {
                const long ahead = e + k + prefetch_distance;
                const long prefetched = ahead < entries ? ahead : e;
                const char *row =
                    reinterpret_cast<const char *>(rows + indices[prefetched] * stride);
                for (long byte = 0; byte < N * VECTOR_BYTES; byte += cache_line_bytes) {
                    __builtin_prefetch(row + byte);
                }
            }
        }
        UNROLL
        for (int k = 0; k < Accumulators; ++k) {
            add_entry(e + k, sum[k]);
        }
    }
    for (; e < entries; ++e) {
        add_entry(e, sum[0]);
    }
    UNROLL
    for (int n = 0; n < N; ++n) {
        Vec<T> total = sum[0][n] + sum[1][n];
        if constexpr (Accumulators == 4) {
            total += sum[2][n] + sum[3][n];
        }
        finish(n, total);
    }
}

// rows[columns[e]] += values[e] * vector for every entry, for N adjacent vectors of the rows.
template <int N, class Column, class Value>
NOINLINE static void add_to_rows(T *rows, long stride, const Column *columns, const Value *values,
                                 long entries, const T *vector) {
    Vec<T> addend[N];
    UNROLL
    for (int n = 0; n < N; ++n) {
        addend[n] = load(vector + n * lanes<T>);
    }
#pragma GCC unroll 4
    for (long e = 0; e < entries; ++e) {
        const Vec<T> x = broadcast<T>(to_number(values[e]));
        T *row = rows + columns[e] * stride;
        UNROLL
        for (int n = 0; n < N; ++n) {
            store(row + n * lanes<T>, load(row + n * lanes<T>) + x * addend[n]);
        }
    }
}

// Calls f.operator()<N>(first) for runs of N vectors that cover [first, last), whole vectors; N is
// at most run_vectors, so that a run stays in registers.
constexpr int run_vectors = 4;

template <int N = run_vectors, class F>
static inline void for_each_run(long first, long last, F &&f) {
    if constexpr (N > 0) {
        for (; last - first >= N * lanes<T>; first += N * lanes<T>) {
            f.template operator()<N>(first);
        }
        for_each_run<N - 1>(first, last, f);
    }
}

// The same for a range of columns of a matrix: a run lies in one panel.
template <class F>
static inline void for_each_run(const PanelMatrix<T> &matrix, const Range &columns, F &&f) {
    for_each_panel(matrix, columns, [&](long c, long width) { for_each_run(c, c + width, f); });
}

}  // namespace chainrule::ISA
