// Training on one mini-batch after another, by forward pass, BP1 to BP4 and step: the C++ form of
// calculus/descent.py.
//
// Workers take whole microbatches where there are many examples for few weights. Otherwise they
// divide the forward pass and the deltas of a large layer by its units, and of a small layer by
// examples; the gradient and the step are divided by the rows of w, so that a worker finds its part
// of w and of delta in its own cache. They wait for each other where one needs another's results.
// Rows of the first layer are inputs; a sparse first layer is divided by its units throughout.
//
// Functions whose names end in `_with_barriers` wait at barriers: every worker must call them.
#pragma once
#include "runtime/microbatches.hpp"

namespace chainrule::ISA {

// Whether a layer's products take longer than the two waits that dividing its units costs.
static bool is_worth_dividing(const MiniBatch &batch, int l) {
    constexpr double min_products = 250e3;
    if (l == batch.network.n_layers) {
        return false;
    }
    const Layer<T> &layer = batch.network.layers[l];
    if (layer.activation == Activation::softmax) {
        return false;
    }
    if (l == 0 && batch.data.sparse) {
        return true;
    }
    const double products = double(layer.n_in) * double(layer.padded_n_out) * double(batch.m);
    return layer.padded_n_out > line<T> && products > min_products;
}

// Computes every layer's delta from the inputs; with microbatches, also their gradients. Between
// two layers that are divided by examples workers do not wait: each needs only its own examples.
static void deltas_with_barriers(MiniBatch &batch, const Worker &worker) {
    if (batch.microbatches > 1) {
        return gradients_of_microbatches(batch, worker);
    }
    constexpr long single_examples = 1;
    const Range mine = range_of_worker(batch.m, single_examples, worker);
    // Dense inputs were gathered by all workers; sparse ones are read in place.
    bool must_wait_before_units = !batch.data.sparse;
    bool divided_by_examples = true;
    deltas(batch, mine, [&](int l) {
        const bool by_units = is_worth_dividing(batch, l);
        if (by_units ? must_wait_before_units : !divided_by_examples) {
            wait_at_barrier(worker);
        }
        must_wait_before_units = true;
        divided_by_examples = !by_units;
        if (!by_units) {
            return all_units(batch.network, l, mine);
        }
        return Region{.examples = {.first = 0, .last = batch.m},
                      .units = units_of_worker(batch.network.layers[l], worker)};
    });
}

// A worker's part of every layer's gradient: use(layer, kind, index, sums, count) takes `count`
// numbers at a time, of nabla_w or nabla_b; `index` counts as in w.data or b. With `in_place`,
// nabla_w of the first layer is left out.
template <class Use>
static void for_each_gradient(const MiniBatch &batch, const Worker &worker, bool in_place,
                              Use &&use) {
    for (int l = 0; l < batch.network.n_layers; ++l) {
        const Layer<T> &layer = batch.network.layers[l];
        const auto use_b = [&](long index, const T *sums, long count) {
            use(layer, ParameterKind::biases, index, sums, count);
        };
        const auto use_w = [&](long index, const T *sums, long count) {
            use(layer, ParameterKind::weights, index, sums, count);
        };
        if (batch.microbatches > 1) {
            sum_of_microbatches(batch, layer.microbatch_b_offset, layer.padded_n_out, worker,
                                use_b);
            sum_of_microbatches(batch, layer.microbatch_w_offset, size(layer.w), worker, use_w);
            continue;
        }
        const Range examples{.first = 0, .last = batch.m};
        nabla_b(layer, examples, units_of_worker(layer, worker), use_b);
        if (l > 0 || !batch.data.sparse) {
            nabla_w(batch, l, w_rows_of_worker(layer, worker), use_w);
        } else if (!in_place) {
            nabla_w_sparse(batch, worker, use_w);
        }
    }
}

// Writes the gradient into the layers' nabla_w and nabla_b, or adds it to them; rows of inactive
// inputs keep the 0 that they hold.
static void store_gradient(const MiniBatch &batch, const Worker &worker, WriteMode mode) {
    constexpr bool in_place = false;
    const bool accumulate = mode == WriteMode::accumulate;
    const auto write = [&](const Layer<T> &layer, ParameterKind kind, long index, const T *sums,
                           long count) {
        T *to = (kind == ParameterKind::weights ? layer.nabla_w : layer.nabla_b) + index;
        for (long i = 0; i < count; i += lanes<T>) {
            store(to + i, accumulate ? load(to + i) + load(sums + i) : load(sums + i));
        }
    };
    for_each_gradient(batch, worker, in_place, write);
}

// The numbers that are squared for a norm or a penalty.
enum class Squared { weights, gradient };

// Sets network.row_squares for the layers from `first_layer` on: the sum of squares of each of a
// worker's rows, of w or of nabla_w.
static void sum_row_squares(const Network<T> &network, const Worker &worker, Squared squared,
                            int first_layer) {
    double *row_squares = network.row_squares;
    for (int l = first_layer; l < network.n_layers; ++l) {
        const Layer<T> &layer = network.layers[l];
        const T *numbers = squared == Squared::gradient ? layer.nabla_w : layer.w.data;
        const Range rows = w_rows_of_worker(layer, worker);
        for (long r = rows.first; r < rows.last; ++r) {
            Vec<double> sum{};
            for_each_panel(layer.w, [&](long c, long width) {
                const T *row = numbers + offset(layer.w, r, c);
                for (long j = 0; j < width; j += lanes<double>) {
                    sum += load_as_double(row + j) * load_as_double(row + j);
                }
            });
            row_squares[r] = sum_lanes<double>(sum);
        }
        row_squares += layer.w.rows;
    }
}

// Sums the squares of all weights: for each row, into network.row_squares; of a sparse first layer
// for each column, into `columns`, unless the previous step has done so. After a barrier,
// total_squares adds these sums.
static void sum_weight_squares(const Network<T> &network, const Worker &worker, double *columns,
                               bool column_squares_are_valid) {
    const Layer<T> &first = network.layers[0];
    if (columns && !column_squares_are_valid) {
        for_each_panel(first.w, units_of_worker(first, worker), [&](long o, long width) {
            const T *panel = first.w.data + offset(first.w, 0, o);
            sum_column_squares(panel, first.n_in, width, columns + o, WriteMode::overwrite);
        });
    }
    const int first_layer_by_rows = columns ? 1 : 0;
    sum_row_squares(network, worker, Squared::weights, first_layer_by_rows);
}

// The total of the sums by sum_row_squares or sum_weight_squares; that of the first layer's rows is
// multiplied by `first_factor`.
static double total_squares(const Network<T> &network, double first_factor, const double *columns) {
    double sum = 0;
    const double *row_squares = network.row_squares;
    if (columns) {
        for (long o = 0; o < network.layers[0].padded_n_out; ++o) {
            sum += columns[o];
        }
    }
    for (int l = columns ? 1 : 0; l < network.n_layers; ++l) {
        for (long r = 0; r < network.layers[l].w.rows; ++r) {
            sum += (l ? 1 : first_factor) * row_squares[r];
        }
        row_squares += network.layers[l].w.rows;
    }
    return sum;
}

// The factor for the gradient that reduces the norm of its mean to `clip`; 1 where it is not
// larger.
static double clip_by_norm_with_barriers(const Network<T> &network, double gradient_scale,
                                         const Worker &worker) {
    constexpr int every_layer = 0;
    sum_row_squares(network, worker, Squared::gradient, every_layer);
    wait_at_barrier(worker);
    constexpr double unscaled = 1;
    constexpr double *no_columns = nullptr;
    double sum = total_squares(network, unscaled, no_columns);
    for (int l = 0; l < network.n_layers; ++l) {
        const Layer<T> &layer = network.layers[l];
        for (long o = 0; o < layer.n_out; ++o) {
            sum += double(layer.nabla_b[o]) * double(layer.nabla_b[o]);
        }
    }
    const double norm = __builtin_sqrt(sum) * gradient_scale;
    return norm > network.optimizer.clip ? network.optimizer.clip / norm : 1;
}

// w <- factor * w for some units of the first layer.
static void scale_w(const Layer<T> &layer, double factor, const Range &units) {
    for_each_panel(layer.w, units, [&](long o, long width) {
        const Block panel{.data = layer.w.data + offset(layer.w, 0, o),
                          .rows = layer.n_in,
                          .stride = panel_at(layer.w, o).width,
                          .width = width};
        transform_in_place(panel, [factor](Vec<T> w, long) { return w * T(factor); });
    });
}

// The plain step of a sparse first layer, for some units: W <- W - factor nabla_w, where W is
// w_scale * w. The caller has multiplied the L2 decay into w_scale.                           (N12)
// Returns w_scale, which is 1 where it was applied to w.
static double step_in_place(const MiniBatch &batch, double factor, double w_scale, long next_m,
                            const Range &units) {
    constexpr double min_scale = 1e-3;  // a smaller w_scale would make the stored w too large
    const Layer<T> &layer = batch.network.layers[0];
    if (!(w_scale > min_scale)) {
        scale_w(layer, w_scale, units);
        w_scale = 1;
    }
    subtract_nabla_w_sparse(batch, T(factor / w_scale), next_m, units);
    return w_scale;
}

// w <- w - (eta / m) nabla_w, or the rule of another optimizer, for a worker's part of every layer;
// with `in_place`, the first layer's w is left out                                            (N12)
static void update_mini_batch_with_barriers(const MiniBatch &batch, double rate, double decay,
                                            double gradient_scale, bool in_place,
                                            const Worker &worker) {
    const Network<T> &network = batch.network;
    const Optimizer &optimizer = network.optimizer;
    const bool penalized = moves_every_weight(optimizer, decay);
    const bool clipped = optimizer.clip >= 0;
    if (clipped) {
        store_gradient(batch, worker, WriteMode::overwrite);
        wait_at_barrier(worker);
        gradient_scale *= clip_by_norm_with_barriers(network, gradient_scale, worker);
    }
    const StepScalars scalars =
        step_scalars(optimizer, rate, decay, gradient_scale, batch.step + 1);
    const auto step = [&](const Layer<T> &layer, ParameterKind kind, long index, const T *sums,
                          long count) {
        const bool of_w = kind == ParameterKind::weights;
        T *const *slots = of_w ? layer.slots_w : layer.slots_b;
        step_parameters(optimizer.rule, scalars, (of_w ? layer.w.data : layer.b) + index, sums,
                        slots[0] ? slots[0] + index : nullptr,
                        slots[1] ? slots[1] + index : nullptr, count, of_w && penalized);
    };
    if (!clipped) {
        return for_each_gradient(batch, worker, in_place, step);
    }
    for (int l = 0; l < network.n_layers; ++l) {
        const Layer<T> &layer = network.layers[l];
        const Range units = units_of_worker(layer, worker);
        const Range rows = w_rows_of_worker(layer, worker);
        if (length(units) > 0) {
            step(layer, ParameterKind::biases, units.first, layer.nabla_b + units.first,
                 length(units));
        }
        if (length(rows) > 0) {
            for_each_panel(layer.w, [&](long c, long width) {
                const long index = offset(layer.w, rows.first, c);
                step(layer, ParameterKind::weights, index, layer.nabla_w + index,
                     length(rows) * width);
            });
        }
    }
}

// A deferred w_scale is applied to w after every 1,024 steps of a training. The step's number alone
// decides, so that no bit depends on where calls of `advance` begin and end.
constexpr std::int64_t steps_between_scalings = 1024;

// One step for each mini-batch of the schedule                                              (N11)
static void advance_with_barriers(Network<T> &network, const Data &data,
                                  const MiniBatchSchedule &schedule, const Worker &worker) {
    const FlushDenormals flush;
    const Layer<T> &first_layer = network.layers[0];
    const bool in_place = data.sparse && steps_in_place(network.optimizer);
    const Range units = units_of_worker(first_layer, worker);
    // Each step reads one half of column_squares and fills the other for the next step.
    const auto column_squares_of_step = [&](std::int64_t step) -> double * {
        if (!data.sparse || in_place || !schedule.squares) {
            return nullptr;
        }
        return network.column_squares + step % 2 * first_layer.padded_n_out;
    };
    double w_scale = network.w_scale;
    bool column_squares_are_valid = network.column_squares_are_valid;
    std::int64_t k = 0;
    std::int64_t m = 0;
    for (std::int64_t first = 0; first < schedule.length; first += m) {
        m = batch_size_at(schedule, first);
        const double rate = schedule.rate[k];
        const double decay = schedule.decay[k];
        MiniBatch batch{.network = network,
                        .data = data,
                        .rows = {.order = schedule.order, .first = first},
                        .m = m,
                        .step = network.step + k,
                        .w_scale = T(w_scale),
                        .training = true,
                        .rank = worker.rank};
        batch.microbatches = data.sparse ? 1 : microbatch_count(network, m);
        const bool moves_all = moves_every_weight(network.optimizer, decay);
        double *const columns = column_squares_of_step(batch.step);
        if (schedule.squares) {
            sum_weight_squares(network, worker, columns, column_squares_are_valid);
        }
        if (data.sparse && !in_place) {
            transpose_mini_batch(data, batch.rows, m, w_rows_of_worker(first_layer, worker),
                                 network.csc[worker.rank], first_layer.active_inputs, moves_all);
        }
        deltas_with_barriers(batch, worker);
        wait_at_barrier(worker);
        const Totals totals = totals_of(batch, {.first = 0, .last = m});
        if (worker.rank == 0) {
            schedule.costs[k] = totals.cost;
            schedule.correct[k] = totals.correct;
            if (schedule.squares) {
                schedule.squares[k] = total_squares(network, w_scale * w_scale, columns);
            }
        }
        const bool has_weight = totals.weight >= smallest_normal<T>;  // otherwise no update
        column_squares_are_valid = has_weight && moves_all && network.optimizer.clip < 0;
        if (column_squares_are_valid) {
            batch.column_squares = column_squares_of_step(batch.step + 1);
        }
        if (has_weight) {
            update_mini_batch_with_barriers(batch, rate, decay, 1 / totals.weight, in_place,
                                            worker);
            if (in_place) {
                const long next_m = batch_size_at(schedule, first + m);
                w_scale = step_in_place(batch, rate / totals.weight, w_scale * (1 - rate * decay),
                                        next_m, units);
            }
        }
        ++k;
        if (w_scale != 1 && (network.step + k) % steps_between_scalings == 0) {
            scale_w(first_layer, w_scale, units);
            w_scale = 1;
        }
        wait_at_barrier(worker);
    }
    if (worker.rank == 0) {
        network.w_scale = w_scale;
        network.column_squares_are_valid = column_squares_are_valid && column_squares_of_step(0);
        network.step += k;
    }
}

// Adds the gradient of n rows to the layers' nabla_w and nabla_b, and their totals to `totals`.
// Dropout and penalties are not applied.
static void gradient_with_barriers(Network<T> &network, const Data &data, const std::int64_t *rows,
                                   std::int64_t n, long batch_size, Totals *totals,
                                   const Worker &worker) {
    const FlushDenormals flush;
    for (std::int64_t first = 0; first < n; first += batch_size) {
        MiniBatch batch{.network = network,
                        .data = data,
                        .rows = {.order = rows, .first = first},
                        .m = n - first < batch_size ? n - first : batch_size,
                        .rank = worker.rank};
        batch.microbatches = data.sparse ? 1 : microbatch_count(network, batch.m);
        if (data.sparse) {
            const Layer<T> &layer = network.layers[0];
            transpose_mini_batch(data, batch.rows, batch.m, w_rows_of_worker(layer, worker),
                                 network.csc[worker.rank], layer.active_inputs, false);
        }
        deltas_with_barriers(batch, worker);
        wait_at_barrier(worker);
        if (worker.rank == 0) {
            add(*totals, totals_of(batch, {.first = 0, .last = batch.m}));
        }
        store_gradient(batch, worker, WriteMode::accumulate);
        wait_at_barrier(worker);
    }
}

// Writes the outputs of n rows to `out` (n, n_out); if it is null, writes the totals of each task, a
// run of `batch_size` rows, to `totals`. `rows` is null for 0, 1, 2, ... Workers take the tasks one
// by one; each worker has its own rows of the workspace.
static void evaluate(Network<T> &network, const Data &data, const std::int64_t *rows,
                     std::int64_t n, long batch_size, T *out, Totals *totals,
                     const Worker &worker) {
    const FlushDenormals flush;
    const Layer<T> &output = network.layers[network.n_layers - 1];
    for (;;) {
        const std::int64_t task =
            __atomic_fetch_add(&worker.barrier->next_task, 1, __ATOMIC_RELAXED);
        const std::int64_t first_row = task * batch_size;
        if (first_row >= n) {
            return;
        }
        const long m = n - first_row < batch_size ? n - first_row : batch_size;
        const long first_example = worker.rank * batch_size;
        const Range examples{.first = first_example, .last = first_example + m};
        const MiniBatch batch{.network = network,
                              .data = data,
                              .rows = {.order = rows, .first = first_row - first_example},
                              .m = m,
                              .w_scale = T(network.w_scale),
                              .rank = worker.rank};
        feedforward(batch, examples, [&](int l) { return all_units(network, l, examples); });
        if (!out) {
            evaluate_outputs(batch, examples, OutputPass::evaluate);
            totals[task] = totals_of(batch, examples);
            continue;
        }
        for (long i = examples.first; i < examples.last; ++i) {
            for (int o = 0; o < output.n_out; ++o) {
                out[(first_row + i - first_example) * output.n_out + o] =
                    output.a[i * output.stride + o];
            }
        }
    }
}

}  // namespace chainrule::ISA
