// Inputs that are mostly 0, kept as records: of each example the columns that are not 0, and their values.
#pragma once
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "pool.hpp"

namespace chainrule::host {  // compiled once, for any processor

// Records come from outside: columns must lie inside, and rise, before a kernel goes by them.
template <class Column>
void check_records(const Data &data, const Column *columns) {
    for (std::int64_t i = 0; i < data.n; ++i) {
        if (data.starts[i] < 0 || data.starts[i] > data.starts[i + 1] || data.starts[i + 1] > data.starts[data.n])
            throw std::invalid_argument("the records' starts must rise");
        bool fine = true;
        for (std::int64_t e = data.starts[i]; e < data.starts[i + 1]; ++e)
            fine &= std::int64_t(columns[e]) < data.n_in && (e == data.starts[i] || columns[e - 1] < columns[e]);
        if (!fine) throw std::invalid_argument("a record's columns must rise, and lie inside the inputs");
    }
}

// f(first, last) for as many runs of rows as there are threads
template <class F>
void by_rows(std::int64_t n, int threads, F &&f) {
    Pool::here().run(threads, [&](const Worker &worker) { f(n * worker.rank / worker.size, n * (worker.rank + 1) / worker.size); });
}

template <class Value>
void count_rows(const Value *x, std::int64_t n, std::int64_t n_in, std::int64_t *counts, int threads) {
    by_rows(n, threads, [=](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            const Value *row = x + i * n_in;
            std::int64_t zeros = 0;
            for (std::int64_t from = 0; from < n_in; from += 128) {  // short enough for a count in bytes
                std::uint8_t some = 0;
                const std::int64_t to = n_in - from < 128 ? n_in : from + 128;
                for (std::int64_t k = from; k < to; ++k) some = std::uint8_t(some + (row[k] == 0));
                zeros += some;
            }
            counts[i] = n_in - zeros;
        }
    });
}

// One row's entries, without a branch on any of them: each is written, and the next one over it where it was 0.
template <class Value, class Column>
std::int64_t fill_row(const Value *row, std::int64_t n_in, Column *columns, Value *values) {
    constexpr std::int64_t some = 8;  // numbers: as many as are often 0 together in images
    std::int64_t count = 0;
    const auto append = [&](std::int64_t k) {
        columns[count] = Column(k);
        values[count] = row[k];
        count += row[k] != 0;
    };
    std::int64_t k = 0;
    for (; k + some <= n_in; k += some) {
        std::uint64_t bits[sizeof(Value)], any = 0;
        std::memcpy(bits, row + k, sizeof bits);
        for (const std::uint64_t part : bits) any |= part;
        for (std::int64_t j = 0; any && j < some; ++j) append(k + j);
    }
    for (; k < n_in; ++k) append(k);
    return count;
}

template <class Value, class Column>
void fill_rows(const Value *x, std::int64_t n, std::int64_t n_in, const std::int64_t *starts, Column *columns, Value *values, int threads) {
    std::atomic<bool> changed = false;
    by_rows(n, threads, [=, &changed](std::int64_t first, std::int64_t last) {
        std::vector<Column> some_columns(std::size_t(n_in) + 1);
        std::vector<Value> some_values(std::size_t(n_in) + 1);
        for (std::int64_t i = first; i < last; ++i) {
            const std::int64_t count = fill_row(x + i * n_in, n_in, some_columns.data(), some_values.data());
            if (count != starts[i + 1] - starts[i]) {
                changed = true;
                return;
            }
            if (!count) continue;
            std::memcpy(columns + starts[i], some_columns.data(), std::size_t(count) * sizeof(Column));
            std::memcpy(values + starts[i], some_values.data(), std::size_t(count) * sizeof(Value));
        }
    });
    if (changed) throw std::runtime_error("x was written to while it was prepared");
}

}  // namespace chainrule::host
