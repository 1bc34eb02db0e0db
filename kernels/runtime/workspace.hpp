// The memory that a session's mini-batches need, sized before the first one: the batch loop
// allocates nothing.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include "runtime/memory.hpp"
#include "runtime/network.hpp"

namespace chainrule::host {

// The sizes that a call needs.
struct WorkspaceSize {
    std::int64_t examples = 0;        // rows of activations and deltas
    std::int64_t dense_examples = 0;  // rows of dense inputs, at most `examples`
    std::int64_t csc_entries = 0;     // entries of a transposed mini-batch; 0 if none is transposed

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
    void reserve(Network<T> &network, int workers, WorkspaceSize required) {
        if (reserved && required.fits_into(*reserved)) {
            return;
        }
        if (required.examples > std::numeric_limits<std::int32_t>::max()) {
            throw std::invalid_argument("a mini-batch holds at most 2147483647 examples");
        }
        required = grown_size(required, reserved.value_or(WorkspaceSize{}));
        reserved.reset();  // stays so if an allocation fails: the network points to freed memory
        arena.clear();
        allocate_examples(network, required);
        allocate_microbatches(network, workers, microbatch_count(network, required.dense_examples));
        allocate_csc(network, workers, required.csc_entries);
        reserved = required;
    }

private:
    Arena arena;
    std::optional<WorkspaceSize> reserved;
    std::vector<CscBatch<T>> csc;

    // The sizes to allocate: at least those reserved before; where more CSC entries are needed, an
    // eighth more than that.
    static WorkspaceSize grown_size(const WorkspaceSize &required, const WorkspaceSize &before) {
        const bool more_entries = required.csc_entries > before.csc_entries;
        return {
            .examples = std::max(required.examples, before.examples),
            .dense_examples = std::max(required.dense_examples, before.dense_examples),
            .csc_entries =
                more_entries ? required.csc_entries + required.csc_entries / 8 : before.csc_entries,
        };
    }

    void allocate_examples(Network<T> &network, const WorkspaceSize &required) {
        const std::int64_t m = required.examples;
        const Layer<T> &output = network.layers[network.n_layers - 1];
        network.x_stride = row_stride<T>(round_up(network.layers[0].n_in, line<T>));
        network.x = arena.template allocate<T>(required.dense_examples * network.x_stride);
        network.y = arena.template allocate<T>(m * output.padded_n_out);
        network.example_cost = arena.template allocate<double>(m);
        network.example_correct = arena.template allocate<double>(m);
        long w_rows = 0;
        for (int l = 0; l < network.n_layers; ++l) {
            Layer<T> &layer = network.layers[l];
            layer.a = arena.template allocate<T>(m * layer.stride);
            layer.delta = arena.template allocate<T>(m * layer.stride);
            if (needs_z(layer.activation)) {
                layer.z = arena.template allocate<T>(m * layer.stride);
            }
            if (layer.dropout > 0) {
                layer.dropped_a = arena.template allocate<T>(m * layer.stride);
                layer.draws = arena.template allocate<std::uint16_t>(m * layer.draws_stride);
            }
            w_rows += layer.w.rows;
        }
        network.row_squares = arena.template allocate<double>(w_rows);
    }

    // The gradients of `count` microbatches, and every worker's transposed w: of all upper layers
    // where there are several microbatches, else of one panel.
    void allocate_microbatches(Network<T> &network, int workers, long count) {
        std::int64_t largest_panel = 0;
        std::int64_t transposed = 0;
        std::int64_t gradient = 0;
        for (int l = 0; l < network.n_layers; ++l) {
            Layer<T> &layer = network.layers[l];
            layer.microbatch_w_offset = gradient;
            layer.microbatch_b_offset = gradient + size(layer.w);
            gradient += size(layer.w) + layer.padded_n_out;
            if (layer.input_major) {
                continue;
            }
            layer.transposed_w_offset = transposed;
            transposed += layer.w.columns * layer.padded_n_out;
            largest_panel =
                std::max<std::int64_t>(largest_panel, layer.w.columns * max_panel_width<T>);
        }
        network.transposed_size = count > 1 ? std::max(transposed, largest_panel) : largest_panel;
        network.transposed = arena.template allocate<T>(workers * network.transposed_size);
        network.microbatch_gradient_size = (gradient / line<T> | 1) * line<T>;
        network.microbatch_gradients =
            arena.template allocate<T>(count > 1 ? count * network.microbatch_gradient_size : 0);
    }

    void allocate_csc(Network<T> &network, int workers, std::int64_t entries) {
        const std::int64_t starts = entries > 0 ? network.layers[0].n_in + 2 : 0;
        csc.resize(workers);
        for (CscBatch<T> &batch : csc) {
            batch.column_starts = arena.template allocate<std::int64_t>(starts);
            batch.examples = arena.template allocate<std::int32_t>(entries);
            batch.values = arena.template allocate<T>(entries);
        }
        network.csc = csc.data();
    }
};

}  // namespace chainrule::host
