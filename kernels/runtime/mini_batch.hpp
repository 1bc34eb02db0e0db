// The current mini-batch, and how it is divided among workers.
#pragma once
#include "linalg/simd.hpp"
#include "runtime/data.hpp"
#include "runtime/mini_batch_rows.hpp"
#include "runtime/network.hpp"

namespace chainrule::ISA {

// One worker's view of the current mini-batch.
struct MiniBatch {
    Network<T> &network;
    const Data &data;
    MiniBatchRows rows;
    long m;
    std::int64_t step = 0;             // dropout's counter
    T w_scale = 1;                     // the first layer's weights are w_scale * w
    bool training = false;             // with dropout
    int rank = 0;                      // of the worker
    long microbatches = 1;             // the number that the mini-batch is cut into
    bool transposed_is_valid = false;  // the worker's buffer holds the upper layers' transposed w
    double *column_squares = nullptr;  // if not null, a sparse step sums the squares of w here
};

// The two kinds of a layer's parameters.
enum class ParameterKind { weights, biases };

// Whether results replace the numbers in memory, or are added to them.
enum class WriteMode { overwrite, accumulate };

// Whether the outputs of a network are only evaluated, or BP1 follows.
enum class OutputPass { evaluate, evaluate_with_delta };

// A part of a layer's (m, n_out) results: some examples' rows, of some units.
struct Region {
    Range examples;
    Range units;
};

static inline Region all_units(const Network<T> &network, int l, const Range &examples) {
    const long units = l < network.n_layers ? network.layers[l].padded_n_out : 0;
    return {.examples = examples, .units = {.first = 0, .last = units}};
}

static inline Range units_of_worker(const Layer<T> &layer, const Worker &worker) {
    return range_of_worker(layer.padded_n_out, layer.unit_granule, worker);
}

static inline Range w_rows_of_worker(const Layer<T> &layer, const Worker &worker) {
    return range_of_worker(layer.w.rows, line<T>, worker);
}

static inline double weight_of(const Data &data, std::int64_t row) {
    return data.weights ? data.weights[row] : 1;
}

}  // namespace chainrule::ISA
