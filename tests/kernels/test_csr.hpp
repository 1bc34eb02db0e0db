// Making CSR rows, and the checks of CSR rows from outside.
#pragma once
#include "checks.hpp"
#include "sparse/build_csr.hpp"

// Rows whose columns or starts the kernels must not use are refused.
inline void test_check_csr() {
    using Columns = std::vector<std::uint16_t>;
    using Starts = std::vector<std::int64_t>;
    const Starts row_starts{0, 2, 2, 3};
    const Columns columns{1, 4, 0};
    chainrule::Data data{};
    data.n = 3;
    data.n_in = 5;
    data.row_starts = row_starts.data();
    chainrule::host::check_csr(data, columns.data());
    const Columns equal{4, 4, 0};
    const Columns descending{4, 1, 0};
    const Columns too_large{1, 5, 0};
    for (const Columns &wrong : {equal, descending, too_large}) {
        require_refused([&] { chainrule::host::check_csr(data, wrong.data()); }, "a wrong column");
    }
    const Starts falling{0, 2, 1, 3};
    const Starts beyond_the_end{0, 5, 2, 3};
    const Starts negative{-1, 2, 2, 3};
    for (const Starts &wrong : {falling, beyond_the_end, negative}) {
        data.row_starts = wrong.data();
        require_refused([&] { chainrule::host::check_csr(data, columns.data()); },
                        "a wrong row start");
    }
}

// Entries are the numbers that are not 0, with either sign of 0; inputs that change between
// counting and filling are refused.
inline void test_fill_entries() {
    constexpr std::int64_t n = 2;
    constexpr std::int64_t n_in = 11;
    const std::vector<float> x{0, 1, -0.0f, 2, 0, 0, 0, 0, 0, NAN, 3,  //
                               0, 0, 0,     0, 0, 0, 0, 0, 0, 0,   0};
    std::vector<std::int64_t> counts(n);
    chainrule::host::count_entries(x.data(), n, n_in, counts.data(), 2);
    require(counts == std::vector<std::int64_t>{4, 0}, "the counts of nonzero numbers");
    const std::vector<std::int64_t> row_starts{0, 4, 4};
    std::vector<std::uint32_t> columns(4);
    std::vector<float> values(4);
    chainrule::host::fill_entries(x.data(), n, n_in, row_starts.data(), columns.data(),
                                  values.data(), 2);
    require(columns == std::vector<std::uint32_t>{1, 3, 9, 10}, "the columns of nonzero numbers");
    require(values[0] == 1 && values[1] == 2 && std::isnan(values[2]) && values[3] == 3,
            "the values of nonzero numbers");
    const std::vector<std::int64_t> outdated{0, 3, 4};
    const auto fill_outdated = [&] {
        chainrule::host::fill_entries(x.data(), n, n_in, outdated.data(), columns.data(),
                                      values.data(), 2);
    };
    require_refused(fill_outdated, "x that changed after it was counted");
}
