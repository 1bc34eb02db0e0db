// Dense rows that are mostly 0, made into CSR; and the checks of CSR rows from outside.
#pragma once
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "runtime/data.hpp"
#include "runtime/thread_pool.hpp"

namespace chainrule::host {

// Throws std::invalid_argument unless row_starts ascend, and every row's columns ascend below n_in:
// the kernels use them as offsets.
template <class Column>
void check_csr(const Data &data, const Column *columns) {
    const std::int64_t entries = data.row_starts[data.n];
    for (std::int64_t i = 0; i < data.n; ++i) {
        const std::int64_t begin = data.row_starts[i];
        const std::int64_t end = data.row_starts[i + 1];
        if (begin < 0 || begin > end || end > entries) {
            throw std::invalid_argument(
                "CSR row starts must ascend from 0 to the number of entries");
        }
        bool valid = true;
        for (std::int64_t e = begin; e < end; ++e) {
            const bool inside = std::int64_t(columns[e]) < data.n_in;
            const bool ascending = e == begin || columns[e - 1] < columns[e];
            valid &= inside && ascending;
        }
        if (!valid) {
            throw std::invalid_argument("the columns of a CSR row must ascend and be below n_in");
        }
    }
}

// counts[i] = how many numbers of row i are not 0; x is (n, n_in).
template <class Value>
void count_entries(const Value *x, std::int64_t n, std::int64_t n_in, std::int64_t *counts,
                   int threads) {
    constexpr std::int64_t run = 128;  // short enough to be counted in a byte
    for_ranges_of_rows(n, threads, [=](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            const Value *row = x + i * n_in;
            std::int64_t zeros = 0;
            for (std::int64_t from = 0; from < n_in; from += run) {
                const std::int64_t to = n_in - from < run ? n_in : from + run;
                std::uint8_t zeros_of_run = 0;
                for (std::int64_t k = from; k < to; ++k) {
                    zeros_of_run = std::uint8_t(zeros_of_run + (row[k] == 0));
                }
                zeros += zeros_of_run;
            }
            counts[i] = n_in - zeros;
        }
    });
}

// Writes the entries of one row and returns their number. It does not branch on single numbers:
// each is written, and the next one overwrites it if it was 0. columns and values have room for
// n_in + 1.
template <class Value, class Column>
std::int64_t fill_row(const Value *row, std::int64_t n_in, Column *columns, Value *values) {
    constexpr std::int64_t run = 8;  // in images, 8 adjacent pixels are often all 0
    std::int64_t count = 0;
    const auto append = [&](std::int64_t k) {
        columns[count] = Column(k);
        values[count] = row[k];
        count += row[k] != 0;
    };
    std::int64_t k = 0;
    for (; k + run <= n_in; k += run) {
        std::uint64_t bits[sizeof(Value)];
        std::memcpy(bits, row + k, sizeof bits);
        std::uint64_t any = 0;
        for (const std::uint64_t part : bits) {
            any |= part;
        }
        if (any == 0) {
            continue;
        }
        for (std::int64_t j = 0; j < run; ++j) {
            append(k + j);
        }
    }
    for (; k < n_in; ++k) {
        append(k);
    }
    return count;
}

// Fills columns and values of all rows at row_starts (n + 1), which hold the counts' running sum.
// Throws std::runtime_error where x no longer agrees with them.
template <class Value, class Column>
void fill_entries(const Value *x, std::int64_t n, std::int64_t n_in, const std::int64_t *row_starts,
                  Column *columns, Value *values, int threads) {
    std::atomic<bool> changed = false;
    for_ranges_of_rows(n, threads, [=, &changed](std::int64_t first, std::int64_t last) {
        std::vector<Column> row_columns(std::size_t(n_in) + 1);
        std::vector<Value> row_values(std::size_t(n_in) + 1);
        for (std::int64_t i = first; i < last; ++i) {
            const std::int64_t count =
                fill_row(x + i * n_in, n_in, row_columns.data(), row_values.data());
            if (count != row_starts[i + 1] - row_starts[i]) {
                changed = true;
                return;
            }
            if (count == 0) {
                continue;
            }
            std::memcpy(columns + row_starts[i], row_columns.data(),
                        std::size_t(count) * sizeof(Column));
            std::memcpy(values + row_starts[i], row_values.data(),
                        std::size_t(count) * sizeof(Value));
        }
    });
    if (changed) {
        throw std::runtime_error("x was written to while it was prepared");
    }
}

}  // namespace chainrule::host
