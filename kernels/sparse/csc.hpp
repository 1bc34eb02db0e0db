// A sparse mini-batch transposed, CSC: for each input the examples in which it is not 0.
//
// BP4 of the first layer is then a sum for each row of W, in registers, instead of scattered
// additions.
#pragma once
#include <cstdint>

namespace chainrule {

template <class T>
struct CscBatch {
    std::int64_t *column_starts;  // (n_in + 2); the last entry is used while counting
    std::int32_t *examples;       // rows of the mini-batch, ascending within an input
    T *values;
};

}  // namespace chainrule

#ifdef ISA
#include "linalg/panels.hpp"
#include "runtime/data.hpp"
#include "runtime/mini_batch_rows.hpp"
#include "sparse/csr.hpp"

namespace chainrule::ISA {

// The first entry of ascending columns that is at least `bound`.
template <class Column>
static inline long lower_bound(const Column *columns, long count, long bound) {
    long first = 0;
    while (count > 0) {
        const long half = count / 2;
        if (long(columns[first + half]) < bound) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

template <class Column>
NOINLINE static void count_columns(const Column *columns, long first, long last,
                                   std::int64_t *counts) {
    for (long e = first; e < last; ++e) {
        ++counts[columns[e]];
    }
}

// Appends one example's entries to its inputs' columns; next[k] is where input k's next entry goes.
template <class Column, class Value>
NOINLINE static void append_entries(const Column *columns, const Value *values, long first,
                                    long last, std::int32_t example, std::int64_t *next,
                                    const CscBatch<T> &csc) {
    for (long e = first; e < last; ++e) {
        const std::int64_t index = next[columns[e]]++;
        csc.examples[index] = example;
        csc.values[index] = to_number(values[e]);
    }
}

// Transposes the m examples at `rows` for a range of the inputs: counts, then fills, in the order
// of the examples. Inputs that occur are marked in active_inputs (n_in); with `mark_all`, the whole
// range is. The buffers of `csc` hold all entries of the mini-batch.
static void transpose_mini_batch(const Data &data, const MiniBatchRows &rows, long m,
                                 const Range &inputs, const CscBatch<T> &csc,
                                 std::uint8_t *active_inputs, bool mark_all) {
    constexpr long prefetch_distance = 4;
    if (length(inputs) == 0) {
        return;
    }
    // The entries of an example that lie in the range: f(example, columns, values, first, last).
    const auto for_each_example = [&](auto &&f) {
        for (long i = 0; i < m; ++i) {
            with_csr_row(data, rows[i], [&](auto *columns, auto *values, long count) {
                const bool from_start = inputs.first == 0;
                const bool to_end = inputs.last >= data.n_in;
                const long first = from_start ? 0 : lower_bound(columns, count, inputs.first);
                const long last = to_end ? count : lower_bound(columns, count, inputs.last);
                f(i, columns, values, first, last);
            });
        }
    };
    for (long k = inputs.first; k <= inputs.last + 1; ++k) {
        csc.column_starts[k] = 0;
    }
    // next[k] is column_starts[k + 1]. After counting it is where column k begins, and each entry
    // filled in moves it on; after filling it is where column k ends, so that column_starts is
    // complete.
    std::int64_t *next = csc.column_starts + 1;
    for_each_example([&](long i, auto *columns, auto *, long first, long last) {
        if (i + prefetch_distance < m) {
            prefetch_example(data, rows[i + prefetch_distance]);
        }
        count_columns(columns, first, last, next + 1);
    });
    for (long k = inputs.first; k < inputs.last; ++k) {
        active_inputs[k] |= mark_all || next[k + 1] > 0;
        next[k + 1] += next[k];
    }
    for_each_example([&](long i, auto *columns, auto *values, long first, long last) {
        append_entries(columns, values, first, last, std::int32_t(i), next, csc);
    });
}

// sum over the examples that have input k of x_k * delta: `width` columns, whole vectors, of row k
// of nabla_w. `delta` points at the first of these columns, `stride` apart.
static inline void sum_over_column(const CscBatch<T> &csc, long k, const T *delta, long stride,
                                   long width, T *sums) {
    const std::int64_t begin = csc.column_starts[k];
    const std::int64_t count = csc.column_starts[k + 1] - begin;
    for_each_run(0, width, [&]<int N>(long o) {
        const auto finish = [to = sums + o](int n, Vec<T> sum) { store(to + n * lanes<T>, sum); };
        sum_of_rows<N, 2, false>(delta + o, stride, csc.examples + begin, csc.values + begin, count,
                                 finish);
    });
}

}  // namespace chainrule::ISA
#endif  // ISA
