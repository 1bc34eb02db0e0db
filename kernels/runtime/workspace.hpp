// The memory that a session's mini-batches need, sized before the first one: the batch loop
// allocates nothing.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "runtime/memory.hpp"
#include "runtime/network.hpp"

namespace chainrule::host {

// What a call needs room for.
struct WorkspaceSize {
    std::int64_t examples = 0;        // rows of activations and deltas
    std::int64_t dense_examples = 0;  // rows of dense inputs, at most `examples`
    std::int64_t csc_entries = 0;     // entries of a transposed mini-batch; 0 where none is

    bool fits_into(const WorkspaceSize &other) const {
        return examples <= other.examples && dense_examples <= other.dense_examples &&
               csc_entries <= other.csc_entries;
    }
};

// The distance between two examples' rows of `width` numbers: long rows take an odd number of cache
// lines, so that a column of them does not map to few cache sets.
template <class T>
long row_stride(long width) {
    constexpr long long_row = 16 * line<T>;
    return width >= long_row ? (width / line<T> | 1) * line<T> : width;
}

template <class T>
class Workspace {
public:
    // Makes room for a call, for `workers` threads; does nothing where there is enough. Throws
    // std::bad_alloc, or std::invalid_argument for a mini-batch of 2^31 examples or more.
    void reserve(Network<T> &network, int workers, WorkspaceSize wanted) {
        if (wanted.fits_into(reserved)) {
            return;
        }
        if (wanted.examples > std::numeric_limits<std::int32_t>::max()) {
            throw std::invalid_argument("a mini-batch holds at most 2147483647 examples");
        }
        wanted = grown(wanted);
        reserved = {};  // nothing, if an allocation fails
        arena.clear();
        allocate_examples(network, wanted);
        allocate_microbatches(network, workers, microbatch_count(network, wanted.dense_examples));
        allocate_csc(network, workers, wanted.csc_entries);
        reserved = wanted;
    }

private:
    Arena arena;
    WorkspaceSize reserved;
    std::vector<CscBatch<T>> csc;

    // At least what was reserved before; an eighth more CSC entries than a call that needed more.
    WorkspaceSize grown(const WorkspaceSize &wanted) const {
        const bool more_entries = wanted.csc_entries > reserved.csc_entries;
        return {
            .examples = std::max(wanted.examples, reserved.examples),
            .dense_examples = std::max(wanted.dense_examples, reserved.dense_examples),
            .csc_entries =
                more_entries ? wanted.csc_entries + wanted.csc_entries / 8 : reserved.csc_entries,
        };
    }

    void allocate_examples(Network<T> &network, const WorkspaceSize &wanted) {
        const std::int64_t m = wanted.examples;
        const Layer<T> &output = network.layers[network.n_layers - 1];
        network.x_stride = row_stride<T>(round_up(network.layers[0].n_in, line<T>));
        network.x = arena.template take<T>(wanted.dense_examples * network.x_stride);
        network.y = arena.template take<T>(m * output.padded_n_out);
        network.example_cost = arena.template take<double>(m);
        network.example_correct = arena.template take<double>(m);
        long w_rows = 0;
        for (int l = 0; l < network.n_layers; ++l) {
            Layer<T> &layer = network.layers[l];
            layer.a = arena.template take<T>(m * layer.stride);
            layer.delta = arena.template take<T>(m * layer.stride);
            if (needs_z(layer.activation)) {
                layer.z = arena.template take<T>(m * layer.stride);
            }
            if (layer.dropout > 0) {
                layer.dropped_a = arena.template take<T>(m * layer.stride);
                layer.mask = arena.template take<T>(m * layer.stride);
            }
            w_rows += layer.w.rows;
        }
        network.row_squares = arena.template take<double>(w_rows);
    }

    // The gradients of `count` microbatches, and every worker's transposed w: of all upper layers
    // where there are several microbatches, else of one panel.
    void allocate_microbatches(Network<T> &network, int workers, long count) {
        std::int64_t largest_panel = 0;
        std::int64_t transposed = 0;
        std::int64_t gradient = 0;
        for (int l = 0; l < network.n_layers; ++l) {
            Layer<T> &layer = network.layers[l];
            layer.microbatch_w = gradient;
            layer.microbatch_b = gradient + size(layer.w);
            gradient += size(layer.w) + layer.padded_n_out;
            if (layer.input_major) {
                continue;
            }
            layer.transposed_w = transposed;
            transposed += layer.w.columns * layer.padded_n_out;
            largest_panel =
                std::max<std::int64_t>(largest_panel, layer.w.columns * widest_panel<T>);
        }
        network.transposed_size = count > 1 ? std::max(transposed, largest_panel) : largest_panel;
        network.transposed = arena.template take<T>(workers * network.transposed_size);
        network.microbatch_gradient_size = (gradient / line<T> | 1) * line<T>;
        network.microbatch_gradients =
            arena.template take<T>(count > 1 ? count * network.microbatch_gradient_size : 0);
    }

    void allocate_csc(Network<T> &network, int workers, std::int64_t entries) {
        const std::int64_t starts = entries > 0 ? network.layers[0].n_in + 2 : 0;
        csc.resize(workers);
        for (CscBatch<T> &batch : csc) {
            batch.column_starts = arena.template take<std::int64_t>(starts);
            batch.examples = arena.template take<std::int32_t>(entries);
            batch.values = arena.template take<T>(entries);
        }
        network.csc = csc.data();
    }
};

}  // namespace chainrule::host
