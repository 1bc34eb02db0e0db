// The four equations of backpropagation: the C++ form of calculus/backprop.py.
//
// With delta = dC/dz of a layer, (m, n_out), a row an example:
//   delta   = dC/da * sigma'(z) at the output                      BP1  output_delta
//   delta   = (delta_next @ w_next) * sigma'(z), layer by layer    BP2  hidden_delta
//   nabla_b = sum of delta's rows                                  BP3  nabla_b
//   nabla_w = delta.T @ a_prev                                     BP4  nabla_w
// The gradients are batch sums. A gradient need not be stored as a whole: each piece of it is
// passed to the callback `use` while it is in the first-level cache, and `use` updates parameters
// with it or adds it to a sum.
#pragma once
#include "calculus/feedforward.hpp"

namespace chainrule::ISA {

// BP1. delta = dC/da * sigma'(z) of one example, or a - y where the derivative cancels      (BP1)
// a, y, delta: (padded_n_out); the padding of delta becomes 0. z is read where the derivative needs
// it; `a` and `delta` do not overlap.
static void output_delta(const Network<T> &network, const Layer<T> &output, const T *z, const T *a,
                         const T *y, T *delta) {
    const bool is_difference =
        network.delta_is_difference || network.cost.name == CostName::quadratic;
    for (long o = 0; o < output.padded_n_out; o += lanes<T>) {
        const Vec<T> difference = load(a + o) - load(y + o);  // dC/da of quadratic  (N3, N4)
        store(delta + o, is_difference ? first_lanes(difference, output.n_out - o) : Vec<T>{});
    }
    if (network.delta_is_difference) {
        return;
    }
    if (!is_difference) {
        for (int o = 0; o < output.n_out; ++o) {
            delta[o] = cost_gradient(network.cost, a[o], y[o]);
        }
    }
    if (output.activation == Activation::softmax) {
        softmax_pullback(delta, a, output.n_out);
    } else {
        const Block g{
            .data = delta, .rows = 1, .stride = output.stride, .width = output.padded_n_out};
        pullback(output.activation, g, z, a);
    }
}

// BP2. delta = (delta_next @ w_next) * sigma'(z) of a region of layer l.                    (BP2)
// With dropout, the product is multiplied by the mask before sigma'(z). One panel of units at a
// time.
static void hidden_delta(const MiniBatch &batch, int l, const Region &region) {
    const Layer<T> &layer = batch.network.layers[l];
    const Layer<T> &next = batch.network.layers[l + 1];
    const long first = region.examples.first;
    const bool is_relu = layer.activation == Activation::relu;
    for_each_panel(next.w, region.units, [&](long o, long width) {
        const long index = first * layer.stride + o;
        const Block delta{.data = layer.delta + index,
                          .rows = length(region.examples),
                          .stride = layer.stride,
                          .width = width};
        multiply(Product{
            .a = next.delta + first * next.stride,
            .a_row_stride = next.stride,
            .a_k_stride = 1,
            .b = next.w.data + offset(next.w, 0, o),
            .b_stride = panel_at(next.w, o).width,
            .c = delta.data,
            .c_stride = layer.stride,
            .rows = delta.rows,
            .columns = width,
            .depth = next.n_out,
            .relu_output = is_relu ? layer.a + index : nullptr,
        });
        if (batch.training && layer.dropout > 0) {
            apply_dropout_mask(layer, region.examples, {.first = o, .last = o + width}, layer.delta,
                               layer.delta);
        }
        if (!is_relu) {
            pullback(layer.activation, delta, weighted_inputs_of(layer) + index, layer.a + index);
        }
    });
}

// BP3. nabla_b = sum of delta's rows; use(first_unit, sums, count) takes a run at a time. (N8, BP3)
template <class Use>
static void nabla_b(const Layer<T> &layer, const Range &examples, const Range &units, Use &&use) {
    for_each_run(units.first, units.last, [&]<int N>(long o) {
        Vec<T> sum[N]{};
        for (long i = examples.first; i < examples.last; ++i) {
            UNROLL
            for (int n = 0; n < N; ++n) {
                sum[n] += load(layer.delta + i * layer.stride + o + n * lanes<T>);
            }
        }
        alignas(Vec<T>) T sums[N * lanes<T>];
        UNROLL
        for (int n = 0; n < N; ++n) {
            store(sums + n * lanes<T>, sum[n]);
        }
        use(o, sums, N * lanes<T>);
    });
}

// The factors of BP4 in w's own layout: nabla_w = row_factor.T @ column_factor.
struct GradientFactors {
    LayerInput row_factor;
    LayerInput column_factor;
};

static inline GradientFactors gradient_factors(const MiniBatch &batch, int l) {
    const Layer<T> &layer = batch.network.layers[l];
    const LayerInput a = input_of(batch, l);
    const LayerInput delta{.data = layer.delta, .stride = layer.stride};
    if (layer.input_major) {
        return {.row_factor = a, .column_factor = delta};
    }
    return {.row_factor = delta, .column_factor = a};
}

// BP4. nabla_w = delta.T @ a_prev for some rows of w; use(index, sums, count) takes a tile at a
// time, `index` as in w.data                                                          (N6, N7, BP4)
template <class Use>
static void nabla_w(const MiniBatch &batch, int l, const Range &rows, Use &&use) {
    const Layer<T> &layer = batch.network.layers[l];
    const auto [row_factor, column_factor] = gradient_factors(batch, l);
    alignas(cache_line_bytes) T sums[max_tile_rows * max_panel_width<T>];
    for_each_panel(layer.w, [&](long c, long width) {
        const long vectors = width / lanes<T>;
        const long max_rows = vectors == 4   ? tile_rows<4>
                              : vectors == 3 ? tile_rows<3>
                                             : max_tile_rows;
        const long tiles = (length(rows) + max_rows - 1) / max_rows;
        long r = rows.first;
        for (long t = 0; t < tiles; ++t) {
            const long next = rows.first + length(rows) * (t + 1) / tiles;
            multiply(Product{
                .a = row_factor.data + r,
                .a_row_stride = 1,
                .a_k_stride = row_factor.stride,
                .b = column_factor.data + c,
                .b_stride = column_factor.stride,
                .c = sums,
                .c_stride = width,
                .rows = next - r,
                .columns = width,
                .depth = batch.m,
            });
            use(offset(layer.w, r, c), sums, (next - r) * width);
            r = next;
        }
    });
}

// Writes BP3 and BP4 of some examples into a buffer with every layer's nabla_w and nabla_b, laid
// out as w and b                                                                  (N6-N8, BP3, BP4)
static void nabla_into(const MiniBatch &batch, const Range &examples, T *buffer, WriteMode mode) {
    const bool accumulate = mode == WriteMode::accumulate;
    for (int l = 0; l < batch.network.n_layers; ++l) {
        const Layer<T> &layer = batch.network.layers[l];
        const auto [row_factor, column_factor] = gradient_factors(batch, l);
        const Range units{.first = 0, .last = layer.padded_n_out};
        T *const b = buffer + layer.microbatch_b_offset;
        nabla_b(layer, examples, units, [&](long o, const T *sums, long count) {
            for (long i = 0; i < count; ++i) {
                b[o + i] = accumulate ? b[o + i] + sums[i] : sums[i];
            }
        });
        for_each_panel(layer.w, [&](long c, long width) {
            multiply(Product{
                .a = row_factor.data + examples.first * row_factor.stride,
                .a_row_stride = 1,
                .a_k_stride = row_factor.stride,
                .b = column_factor.data + examples.first * column_factor.stride + c,
                .b_stride = column_factor.stride,
                .c = buffer + layer.microbatch_w_offset + offset(layer.w, 0, c),
                .c_stride = width,
                .rows = layer.w.rows,
                .columns = width,
                .depth = length(examples),
                .accumulate = accumulate,
            });
        });
    }
}

// The sum of squares of each column of a panel of `rows` rows: written to `columns`, or added
// to it.
static void sum_column_squares(const T *w, long rows, long width, double *columns, WriteMode mode) {
    const bool accumulate = mode == WriteMode::accumulate;
    for (long r = 0; r < rows; ++r) {
        for (long j = 0; j < width; j += lanes<double>) {
            const Vec<double> numbers = load_as_double(w + r * width + j);
            const Vec<double> before = accumulate || r > 0 ? load(columns + j) : Vec<double>{};
            store(columns + j, before + numbers * numbers);
        }
    }
}

// BP4 of a sparse first layer for a worker's units, from the CSC form of the mini-batch; `use`
// takes four rows of a panel at a time.                                                       (BP4)
// Four rows whose inputs have never been active are skipped. Rows of a large w are prefetched, with
// their slots, some way ahead: the CSC columns read in between hide their order from the hardware's
// own prefetching. Where batch.column_squares is set, the squares of the rows are added to it after
// `use` has updated them.
template <class Use>
static void nabla_w_sparse(const MiniBatch &batch, const Worker &worker, Use &&use) {
    constexpr long rows_at_once = 4;
    constexpr long prefetch_rows = 8 * rows_at_once;
    const Layer<T> &layer = batch.network.layers[0];
    const Range units = units_of_worker(layer, worker);
    alignas(cache_line_bytes) T sums[rows_at_once * max_panel_width<T>];
    for (int rank = 0; rank < worker.size; ++rank) {
        const CscBatch<T> &csc = batch.network.csc[rank];
        const Worker owner{.rank = rank, .size = worker.size, .barrier = nullptr};
        const Range inputs = w_rows_of_worker(layer, owner);
        for_each_panel(layer.w, units, [&](long o, long width) {
            const bool prefetch_ahead = panel_is_large(layer, width);
            long next = inputs.first;
            for (long k = inputs.first; k < inputs.last; k = next) {
                next = k + rows_at_once < inputs.last ? k + rows_at_once : inputs.last;
                bool active = false;
                for (long r = k; r < next; ++r) {
                    active |= layer.active_inputs[r];
                }
                if (!active) {
                    continue;
                }
                const long index = offset(layer.w, k, o);
                for (const T *array : {layer.w.data, layer.slots_w[0], layer.slots_w[1]}) {
                    if (array && prefetch_ahead) {
                        prefetch(array + index + prefetch_rows * width,
                                 array + index + (prefetch_rows + rows_at_once) * width);
                    }
                }
                for (long r = k; r < next; ++r) {
                    sum_over_column(csc, r, layer.delta + o, layer.stride, width,
                                    sums + (r - k) * width);
                }
                use(index, sums, (next - k) * width);
                if (batch.column_squares) {
                    sum_column_squares(layer.w.data + index, next - k, width,
                                       batch.column_squares + o,
                                       k > 0 ? WriteMode::accumulate : WriteMode::overwrite);
                }
            }
        });
    }
}

// BP4 of a sparse first layer together with its plain step: w -= factor * nabla_w, without forming
// nabla_w. Each example adds -factor * x_k * delta to the rows of its inputs.                 (BP4)
// delta is scaled in place. Meanwhile the next mini-batch, of `next_m` examples, is prefetched.
static void subtract_nabla_w_sparse(const MiniBatch &batch, T factor, long next_m,
                                    const Range &units) {
    const Layer<T> &layer = batch.network.layers[0];
    const Block delta{.data = layer.delta + units.first,
                      .rows = batch.m,
                      .stride = layer.stride,
                      .width = length(units)};
    transform_in_place(delta, [=](Vec<T> v, long) { return -factor * v; });
    for_each_run(layer.w, units, [&]<int N>(long o) {
        T *w = layer.w.data + offset(layer.w, 0, o);
        const long width = panel_at(layer.w, o).width;
        for (long i = 0; i < batch.m; ++i) {
            if (o == units.first && i < next_m) {
                prefetch_example(batch.data, batch.rows[batch.m + i]);
            }
            with_csr_row(batch.data, batch.rows[i], [&](auto *columns, auto *values, long count) {
                add_to_rows<N>(w, width, columns, values, count,
                               layer.delta + i * layer.stride + o);
            });
        }
    });
}

// Evaluates one example's outputs: returns its cost without -ln(likelihood), sets example_correct,
// and with a delta computes BP1, multiplied by the example's weight.
static double evaluate_output(const MiniBatch &batch, long i, OutputPass pass, double &likelihood) {
    const Network<T> &network = batch.network;
    const Data &data = batch.data;
    const Layer<T> &output = network.layers[network.n_layers - 1];
    const std::int64_t row = batch.rows[i];
    const T *a = output.a + i * output.stride;
    T *y = network.y + i * output.padded_n_out;
    T *delta = output.delta + i * output.stride;
    target_of(data, row, output, y);
    const bool is_correct = data.classes && decision_is(a, data.classes[row], output.n_out);
    network.example_correct[i] = is_correct ? weight_of(data, row) : 0;
    const bool smoothed = pass == OutputPass::evaluate_with_delta && network.label_smoothing > 0;
    if (smoothed) {
        smooth_targets(y, output.n_out, network.label_smoothing,
                       uniform_target(network.cost, output.n_out));
    }
    if (pass == OutputPass::evaluate_with_delta) {
        output_delta(network, output, weighted_inputs_of(output) + i * output.stride, a, y, delta);
        if (data.weights) {
            for (long o = 0; o < output.padded_n_out; ++o) {
                delta[o] *= T(data.weights[row]);
            }
        }
    }
    // Softmax of labels: the cost is -ln of one output, which is NaN where any output is.
    const bool needs_one_output = network.cost.name == CostName::log_loss && data.labels &&
                                  output.activation == Activation::softmax && !smoothed;
    if (needs_one_output) {
        likelihood = clip_probability(a[data.labels[row]]);
        return 0;
    }
    return cost_of(network.cost, a, y, output.n_out, likelihood);
}

// Sets example_cost, example_correct and, where the pass wants it, the delta of some examples. One
// vector logarithm serves several examples.
static void evaluate_outputs(const MiniBatch &batch, const Range &examples, OutputPass pass) {
    constexpr long group_size = lanes<double>;
    for (long first = examples.first; first < examples.last; first += group_size) {
        const long left = examples.last - first;
        const long count = left < group_size ? left : group_size;
        double costs[group_size];
        double likelihoods[group_size];
        for (double &likelihood : likelihoods) {
            likelihood = 1;
        }
        for (long i = 0; i < count; ++i) {
            costs[i] = evaluate_output(batch, first + i, pass, likelihoods[i]);
        }
        store(likelihoods, logarithm(load(likelihoods)));
        for (long i = 0; i < count; ++i) {
            const double weight = weight_of(batch.data, batch.rows[first + i]);
            batch.network.example_cost[first + i] = weight * (costs[i] - likelihoods[i]);
        }
    }
}

// Sums over some examples, in their order.
static Totals totals_of(const MiniBatch &batch, const Range &examples) {
    Totals totals{.cost = 0, .correct = 0, .weight = 0};
    for (long i = examples.first; i < examples.last; ++i) {
        add(totals, {.cost = batch.network.example_cost[i],
                     .correct = batch.network.example_correct[i],
                     .weight = weight_of(batch.data, batch.rows[i])});
    }
    return totals;
}

// From the inputs of some examples to every layer's delta. region_of(l) gives the region of layer l
// to compute next, l = n_layers being the costs; it may wait at a barrier.
template <class RegionOf>
static void deltas(const MiniBatch &batch, const Range &examples, RegionOf &&region_of) {
    const int n_layers = batch.network.n_layers;
    feedforward(batch, examples, region_of);
    evaluate_outputs(batch, region_of(n_layers).examples, OutputPass::evaluate_with_delta);
    for (int l = n_layers - 2; l >= 0; --l) {
        hidden_delta(batch, l, region_of(l));
    }
}

}  // namespace chainrule::ISA
