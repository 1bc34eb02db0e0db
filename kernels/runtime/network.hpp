// The plain structures that the kernels work on. Their memory belongs to a Session
// (runtime/session.hpp).
//
// m is the number of examples in the current mini-batch.
#pragma once
#include <cstdint>

#include "calculus/activations.hpp"
#include "calculus/costs.hpp"
#include "calculus/optimizers.hpp"
#include "linalg/panels.hpp"
#include "runtime/data.hpp"
#include "runtime/worker.hpp"
#include "sparse/csc.hpp"

namespace chainrule {

// Dropout's random numbers come in blocks of eight, and a row has whole pairs of blocks: whole
// vectors of every instruction set.
static constexpr long draws_per_block = 8;
static constexpr long draws_per_pair = 2 * draws_per_block;

// One layer: its parameters, and its arrays for the current mini-batch.
//
// The first layer's w is (n_in, n_out), "input-major": row k holds the weights from input k to
// every unit, and a sparse example needs few of these rows. The other layers' w is (n_out, n_in) as
// in the notes, which is the order that BP2 reads; the forward pass transposes a panel of units at
// a time.
template <class T>
struct Layer {
    int n_in;
    int n_out;
    Activation activation;
    double dropout;  // the probability of dropping a unit in training; 0 for none

    bool input_major;
    long padded_n_out;
    long stride;        // from one example's activations to the next: an odd number of cache lines
                        // where rows are long, so that a column does not map to few cache sets
    long unit_granule;  // units are divided among workers in multiples of this

    // Parameters, and arrays of their layout.
    PanelMatrix<T> w;
    T *b;           // (padded_n_out)
    T *slots_w[2];  // the optimizer's state; null where its rule has fewer
    T *slots_b[2];
    T *nabla_w;  // batch sums, where a step needs the whole gradient; else null
    T *nabla_b;

    // (n_in), of the first layer: whether an input was ever nonzero, or a slot of its row is
    // nonzero. The gradient and the slots of an inactive input are exactly 0, and sparse steps skip
    // it.
    std::uint8_t *active_inputs;

    // One mini-batch, each (m, stride).
    T *z;                  // weighted inputs, where the derivative needs them; else null
    T *a;                  // activations
    std::uint16_t *draws;  // dropout's random numbers, (m, draws_stride); null without dropout
    long draws_stride;
    T *dropped_a;  // the activations times dropout's mask; null without dropout
    T *delta;      // dC/dz

    // Where this layer's arrays begin in the buffers of a worker or a microbatch.
    std::int64_t microbatch_w_offset;
    std::int64_t microbatch_b_offset;
    std::int64_t transposed_w_offset;
};

template <class T>
static inline T *weighted_inputs_of(const Layer<T> &layer) {
    return layer.z != nullptr ? layer.z : layer.a;
}

template <class T>
struct Network {
    int n_layers;
    Layer<T> *layers;
    Cost cost;
    bool delta_is_difference;  // BP1 is a - y (calculus/costs.py: Cost.cancels)
    double label_smoothing;    // of the targets in training; an evaluation has the true ones
    Optimizer optimizer;
    std::uint64_t seed;
    std::int64_t step;  // updates done

    // The first layer's weights are w_scale * w: the L2 decay of a plain sparse step changes this
    // number instead of w.
    double w_scale = 1;

    // Workspace of a mini-batch.
    T *x = nullptr;  // (m, x_stride): dense inputs, converted to T
    long x_stride = 0;
    T *y = nullptr;                     // (m, padded_n_out of the last layer): targets
    double *example_cost = nullptr;     // (m)
    double *example_correct = nullptr;  // (m): the example's weight where it is correct, else 0
    CscBatch<T> *csc = nullptr;         // one per worker: its inputs' share of a sparse mini-batch
    double *row_squares = nullptr;      // a sum of squares for each row of every w

    // Sums of squares of a sparse first layer's columns, (2, padded_n_out): each step fills the
    // half that the next step reads, and column_squares_are_valid is whether it has done so.
    double *column_squares = nullptr;
    bool column_squares_are_valid = false;

    // A buffer for each worker, a buffer for each microbatch, and the number of entries in one.
    T *transposed = nullptr;
    std::int64_t transposed_size = 0;
    T *microbatch_gradients = nullptr;
    std::int64_t microbatch_gradient_size = 0;
};

// A network in the caller's own arrays, laid out as in the notes, for predicting a few rows.
template <class T>
struct BorrowedLayer {
    long n_in;
    long n_out;
    Activation activation;
    const T *w;  // (n_out, n_in), contiguous, unpadded
    const T *b;  // (n_out)
};

template <class T>
struct BorrowedNetwork {
    int n_layers;
    const BorrowedLayer<T> *layers;
    T *buffers[2];  // each as long as the widest layer, padded to whole cache lines
    T lowest_input = -T(__builtin_inf());  // floats outside these limits are refused
    T highest_input = T(__builtin_inf());
};

// The order of a call's examples, and how it is cut into mini-batches, each epoch from its start.
struct MiniBatchSchedule {
    const std::int64_t *order;  // rows of the data; null for 0, 1, 2, ...
    std::int64_t length;        // examples in this call
    std::int64_t batch_size;
    std::int64_t epoch_length;
    std::int64_t offset_in_epoch = 0;  // examples of the first epoch that came before this call

    // One entry a mini-batch.
    const double *rate = nullptr;
    const double *decay = nullptr;
    double *costs = nullptr;    // summed cost before the step
    double *correct = nullptr;  // weight of the correct examples before the step
    double *squares = nullptr;  // sum of all squared weights before the step, or null
};

// Examples in the mini-batch that begins at `first`.
static inline std::int64_t batch_size_at(const MiniBatchSchedule &schedule, std::int64_t first) {
    const std::int64_t in_epoch = (schedule.offset_in_epoch + first) % schedule.epoch_length;
    const std::int64_t left_in_epoch = schedule.epoch_length - in_epoch;
    const std::int64_t left = schedule.length - first;
    const std::int64_t max_size =
        left_in_epoch < schedule.batch_size ? left_in_epoch : schedule.batch_size;
    return max_size < left ? max_size : left;
}

// Sums over examples, each times its weight.
struct Totals {
    double cost;
    double correct;
    double weight;
};

static inline void add(Totals &totals, const Totals &more) {
    totals.cost += more.cost;
    totals.correct += more.correct;
    totals.weight += more.weight;
}

// The microbatches into which a mini-batch of m dense examples is cut; 1 where there are so few
// examples for so many weights that dividing the units of every layer is faster. It depends on the
// shapes alone, never on the number of workers: the bits of a step must not.
template <class T>
static inline long microbatch_count(const Network<T> &network, std::int64_t m) {
    constexpr std::int64_t min_examples = 75;
    constexpr long max_count = 8;
    double weights = 0;
    double units = 0;
    for (int l = 0; l < network.n_layers; ++l) {
        const Layer<T> &layer = network.layers[l];
        weights += double(layer.n_in) * double(layer.padded_n_out);
        units += double(layer.padded_n_out);
    }
    if (2 * weights > double(m) * units) {
        return 1;
    }
    long count = 1;
    while (count < max_count && 2 * count * min_examples <= m) {
        count *= 2;
    }
    return count;
}

// The functions of one instruction set and one type of number (runtime/instruction_set.cpp). Every
// worker of a team calls the first three with the same arguments.
template <class T>
struct KernelTable {
    void (*advance_with_barriers)(Network<T> &, const Data &, const MiniBatchSchedule &,
                                  const Worker &);
    // The gradient of n rows, added to the layers' nabla_w and nabla_b, `batch_size` rows at a
    // time.
    void (*gradient_with_barriers)(Network<T> &, const Data &, const std::int64_t *rows,
                                   std::int64_t n, long batch_size, Totals *, const Worker &);
    // The outputs of n rows into `out`; where that is null, the totals of each run of `batch_size`
    // rows.
    void (*evaluate)(Network<T> &, const Data &, const std::int64_t *rows, std::int64_t n,
                     long batch_size, T *out, Totals *, const Worker &);
    // One thread; false where x holds a number that the network must not read.
    bool (*forward_small)(const BorrowedNetwork<T> &, InputKind, const void *x, long m, T *out);
};

}  // namespace chainrule
