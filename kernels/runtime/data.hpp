// The examples of a training as the kernels read them: dense rows or CSR, with their targets.
#pragma once
#include <cstdint>

namespace chainrule {

// The type of the inputs; pixels are uint8, read as x / 255.
enum class InputKind : int { float32, float64, pixels };

// The features that columns become (calculus/input_features.hpp). All numbers are of the network's
// type.
struct InputFeatures {
    bool computed;               // false: the inputs are read as they are, and the rest is unset
    long bins;                   // of all columns together, column by column
    const std::int32_t *starts;  // (n_in + 1): column j has the bins starts[j] .. starts[j + 1] - 1
    const void *lower;           // (bins)
    const void *scale;           // (bins)
    const void *limits;          // (n_in)
    const void *sizes;           // (n_in + bins)
    int clipped;                 // the limits of the columns from here on are infinite
};

struct Data {
    std::int64_t n;
    int n_in;  // columns of the values; the network's inputs are these and the bins
    InputKind kind;
    const void *values;  // dense: (n, n_in); sparse: one value an entry

    // CSR: row i has the entries row_starts[i] .. row_starts[i + 1] - 1, their columns ascending.
    bool sparse;
    bool wide_columns;               // columns are uint32, else uint16
    const std::int64_t *row_starts;  // (n + 1)
    const void *columns;

    InputFeatures features;  // of dense rows

    const std::int32_t *labels;   // (n): the class of each example; null where `targets` are given
    const double *targets;        // (n, n_out); null where `labels` are given
    const std::int32_t *classes;  // (n): the class that counts as right; null where there are none
    const double *weights;        // (n): relative row weights; null where all are 1
};

// The number of inputs that the network reads of each row.
static inline long n_features(const Data &data) {
    return data.n_in + data.features.bins;
}

// Calls f with x as a pointer to the inputs' type.
template <class F>
static inline auto with_input_type(InputKind kind, const void *x, F &&f) {
    switch (kind) {
        case InputKind::pixels:
            return f(static_cast<const std::uint8_t *>(x));
        case InputKind::float32:
            return f(static_cast<const float *>(x));
        default:
            return f(static_cast<const double *>(x));
    }
}

}  // namespace chainrule
