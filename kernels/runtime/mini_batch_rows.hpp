// The rows of the data that form a mini-batch.
#pragma once
#include <cstdint>

namespace chainrule {

struct MiniBatchRows {
    const std::int64_t *order;  // null: the rows first, first + 1, ...
    std::int64_t first;

    // The row of example i.
    std::int64_t operator[](long i) const { return order ? order[first + i] : first + i; }
};

}  // namespace chainrule
