// A network in training: it owns the parameters and the workspace, and calls the kernels.
#pragma once
#include <algorithm>
#include <chrono>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/memory.hpp"
#include "runtime/network.hpp"
#include "runtime/thread_pool.hpp"
#include "runtime/thread_tuner.hpp"
#include "runtime/workspace.hpp"

namespace chainrule::host {

struct SessionSettings {
    std::vector<std::int64_t> sizes;  // inputs, then each layer's units
    std::vector<Activation> activations;
    std::vector<double> dropout;  // of each layer
    Cost cost;
    bool delta_is_difference;
    double label_smoothing;
    Optimizer optimizer;
    std::uint64_t seed;
    std::int64_t step;  // updates done before
    int threads;        // the maximum
    bool tune_threads;  // whether to measure if more than one thread is faster
};

// Arrays of the parameters' shapes that a session holds.
enum class ArrayKind { parameters, slot0, slot1, gradient };

template <class T>
class Session {
public:
    Session(const KernelTable<T> &kernels, const SessionSettings &settings)
        : kernels(kernels),
          threads(std::clamp(settings.threads, 1, max_threads)),
          tune_threads(settings.tune_threads),
          layers(settings.sizes.size() - 1) {
        network = {
            .n_layers = int(layers.size()),
            .layers = layers.data(),
            .cost = settings.cost,
            .delta_is_difference = settings.delta_is_difference,
            .label_smoothing = settings.label_smoothing,
            .optimizer = settings.optimizer,
            .seed = settings.seed,
            .step = settings.step,
        };
        for (int l = 0; l < network.n_layers; ++l) {
            set_layer_shape(l, settings);
            allocate_parameters(layers[l]);
        }
        layers[0].active_inputs = memory.allocate<std::uint8_t>(layers[0].n_in);
        network.column_squares = memory.allocate<double>(2 * layers[0].padded_n_out);
    }

    std::int64_t n_in() const { return layers.front().n_in; }
    std::int64_t n_out() const { return layers.back().n_out; }
    std::int64_t step() const { return network.step; }
    std::size_t n_layers() const { return layers.size(); }
    const Layer<T> &layer(int l) const { return layers.at(l); }

    // The number of parameters.
    std::int64_t size() const {
        std::int64_t count = 0;
        for (const Layer<T> &layer : layers) {
            count += (layer.n_in + 1L) * layer.n_out;
        }
        return count;
    }

    // f(l, w, b) for every layer of one vector of all parameters: all w, (n_out, n_in), then all b.
    template <class Number, class F>
    void for_each_layer(Number *parameters, F &&f) const {
        Number *w = parameters;
        Number *b = parameters + size();
        for (const Layer<T> &layer : layers) {
            b -= layer.n_out;
        }
        for (int l = 0; l < network.n_layers; ++l) {
            f(l, w, b);
            w += long(layers[l].n_in) * layers[l].n_out;
            b += layers[l].n_out;
        }
    }

    // Copies one layer's arrays in; w is (n_out, n_in), b (n_out).
    void put(int l, ArrayKind kind, const T *w, const T *b) {
        const auto lock = lock_session();
        const Layer<T> &layer = layers.at(l);
        const auto [to_w, to_b] = arrays_of(layer, kind);
        if (kind == ArrayKind::parameters && l == 0) {
            network.w_scale = 1;
        }
        network.column_squares_are_valid = false;
        std::copy_n(b, layer.n_out, to_b);
        for_each_weight(layer, [&](long o, long k, long index) {
            to_w[index] = w[o * layer.n_in + k];
            if (kind != ArrayKind::parameters && l == 0) {
                layer.active_inputs[k] |= to_w[index] != 0;
            }
        });
    }

    // Copies one layer's arrays out; weights as they are, w_scale applied.
    void get(int l, ArrayKind kind, T *w, T *b) const {
        const bool scaled = kind == ArrayKind::parameters && l == 0 && network.w_scale != 1;
        copy_out(l, kind, scaled ? T(network.w_scale) : T(1), w, b);
    }

    // The deferred factor of the first layer's weights, and these weights without it. A new session
    // needs both to continue with the same bits. The factor is 1 where nothing is deferred.
    double w_scale() const { return network.w_scale; }
    void get_unscaled(T *w, T *b) const {
        constexpr T unscaled = 1;
        copy_out(first_layer, ArrayKind::parameters, unscaled, w, b);
    }
    void put_unscaled(const T *w, const T *b, double w_scale) {
        put(first_layer, ArrayKind::parameters, w, b);
        network.w_scale = w_scale;
    }

    // One step for each mini-batch of the schedule.
    void advance(const Data &data, const MiniBatchSchedule &schedule) {
        const auto lock = lock_session();
        const bool in_place = data.sparse && steps_in_place(network.optimizer);
        if (!in_place) {
            apply_w_scale();
        }
        reserve(data, std::min(schedule.batch_size, schedule.epoch_length),
                in_place ? no_csc_entries : max_csc_entries(data, schedule));
        const int workers = max_workers(data);
        std::int64_t begin = 0;
        std::int64_t k = 0;
        while (begin < schedule.length) {
            const ThreadTuner::Slice slice = next_slice(workers, schedule.length);
            MiniBatchSchedule part = part_of_schedule(schedule, begin, k);
            std::int64_t steps = 0;
            part.length = 0;
            while (steps < slice.steps && begin + part.length < schedule.length) {
                part.length += batch_size_at(schedule, begin + part.length);
                ++steps;
            }
            run_timed({.all_threads = slice.all_threads, .steps = steps}, workers,
                      [&](const Worker &worker) {
                          kernels.advance_with_barriers(network, data, part, worker);
                      });
            begin += part.length;
            k += steps;
        }
    }

    // The totals over all rows; their outputs, (n, n_out), where `out` is given.
    Totals evaluate(const Data &data, T *out = nullptr) {
        return evaluate(data, nullptr, data.n, out);
    }

    // The same over n rows, all of the data where `rows` is null.
    Totals evaluate(const Data &data, const std::int64_t *rows, std::int64_t n, T *out = nullptr) {
        const auto lock = lock_session();
        const std::int64_t tasks = (n + rows_per_task - 1) / rows_per_task;
        const double products = double(n) * double(size());
        const bool too_short = tune_threads && products < min_products_for_threads;
        const int workers = too_short ? 1 : int(std::min<std::int64_t>(threads, tasks));
        reserve(data, std::min(rows_per_task, n) * workers, no_csc_entries);
        std::vector<Totals> totals_of_tasks(tasks);
        ThreadPool::instance().run(workers, [&](const Worker &worker) {
            kernels.evaluate(network, data, rows, n, rows_per_task, out, totals_of_tasks.data(),
                             worker);
        });
        Totals totals{.cost = 0, .correct = 0, .weight = 0};
        for (const Totals &more : totals_of_tasks) {
            add(totals, more);
        }
        return totals;
    }

    // The totals and the gradient of n rows, all of the data where `rows` is null; the gradient is
    // then at ArrayKind::gradient.
    Totals gradient(const Data &data, const std::int64_t *rows, std::int64_t n) {
        const auto lock = lock_session();
        apply_w_scale();
        for (Layer<T> &layer : layers) {
            allocate_gradient(layer);
        }
        constexpr std::int64_t many = 8 * rows_per_task;
        const bool in_microbatches = !data.sparse && microbatch_count(network, many) > 1;
        const std::int64_t batch_size = in_microbatches ? many : rows_per_task;
        const MiniBatchSchedule schedule{
            .order = rows, .length = n, .batch_size = batch_size, .epoch_length = n};
        reserve(data, std::min(batch_size, n), max_csc_entries(data, schedule));
        const std::int64_t tasks = (n + rows_per_task - 1) / rows_per_task;
        const int workers = int(std::min<std::int64_t>(threads, tasks));
        Totals totals{.cost = 0, .correct = 0, .weight = 0};
        const ThreadTuner::Slice slice = next_slice(workers, one_step);
        run_timed(
            {.all_threads = slice.all_threads, .steps = 1}, workers, [&](const Worker &worker) {
                kernels.gradient_with_barriers(network, data, rows, n, batch_size, &totals, worker);
            });
        return totals;
    }

    // Whether every weight and bias is finite.
    bool finite() const {
        const auto is_finite = [](const Layer<T> &layer) {
            return all_finite(layer.w.data, chainrule::size(layer.w)) &&
                   all_finite(layer.b, layer.padded_n_out);
        };
        return std::all_of(layers.begin(), layers.end(), is_finite);
    }

private:
    static constexpr int first_layer = 0;
    static constexpr std::int64_t one_step = 1;
    static constexpr std::int64_t no_csc_entries = 0;
    static constexpr std::int64_t rows_per_task = 128;
    static constexpr double min_products_for_threads = 1e6;  // below, waking a thread takes longer

    const KernelTable<T> &kernels;
    int threads;
    bool tune_threads;
    std::vector<Layer<T>> layers;
    Network<T> network{};
    Arena memory;
    Workspace<T> workspace;
    ThreadTuner tuner;
    mutable std::mutex in_use;

    // Locks the session for one call. Throws if another call is running: two Python threads may not
    // train one session at once.
    std::unique_lock<std::mutex> lock_session() const {
        std::unique_lock<std::mutex> lock(in_use, std::try_to_lock);
        if (!lock) {
            throw std::runtime_error("this session is in use by another thread");
        }
        return lock;
    }

    void set_layer_shape(int l, const SessionSettings &settings) {
        Layer<T> &layer = layers[l];
        layer.n_in = int(settings.sizes[l]);
        layer.n_out = int(settings.sizes[l + 1]);  // zip(sizes[:-1], sizes[1:])  (N9)
        layer.activation = settings.activations[l];
        layer.dropout = settings.dropout[l];
        layer.padded_n_out = round_up(layer.n_out, line<T>);
        layer.stride = row_stride<T>(layer.padded_n_out);
        layer.draws_stride = round_up(layer.n_out, draws_per_pair);
        layer.input_major = l == 0;
        if (layer.input_major) {
            layer.w = {.data = nullptr,
                       .rows = layer.n_in,
                       .columns = layer.padded_n_out,
                       .columns_per_worker = columns_per_worker(layer.padded_n_out)};
            // A worker owns whole panels of a sparse layer: adjacent lines that two cores write to
            // would move back and forth between their caches.
            layer.unit_granule = layer.w.columns_per_worker;
        } else {
            const long columns = round_up(layer.n_in, line<T>);
            layer.w = {.data = nullptr,
                       .rows = layer.n_out,
                       .columns = columns,
                       .columns_per_worker = columns};
            layer.unit_granule = line<T>;
        }
    }

    // The first layer's units that one worker owns: two cache lines or more, since one line would
    // cost a single thread more than a second thread brings.
    long columns_per_worker(long columns) const {
        const long lines = (columns / line<T> + threads - 1) / threads;
        return std::min(columns, std::max<long>(lines, 2) * line<T>);
    }

    void allocate_parameters(Layer<T> &layer) {
        layer.w.data = memory.allocate<T>(chainrule::size(layer.w));
        layer.b = memory.allocate<T>(layer.padded_n_out);
        for (int k = 0; k < slots_of(network.optimizer.rule); ++k) {
            layer.slots_w[k] = memory.allocate<T>(chainrule::size(layer.w));
            layer.slots_b[k] = memory.allocate<T>(layer.padded_n_out);
        }
        if (network.optimizer.clip >= 0) {
            allocate_gradient(layer);
        }
    }

    // Room for a layer's gradient, all 0.
    void allocate_gradient(Layer<T> &layer) {
        if (layer.nabla_w == nullptr) {
            layer.nabla_b = memory.allocate<T>(layer.padded_n_out);
            layer.nabla_w = memory.allocate<T>(chainrule::size(layer.w));
        }
        std::fill_n(layer.nabla_w, chainrule::size(layer.w), T(0));
        std::fill_n(layer.nabla_b, layer.padded_n_out, T(0));
    }

    static std::pair<T *, T *> arrays_of(const Layer<T> &layer, ArrayKind kind) {
        std::pair<T *, T *> arrays{nullptr, nullptr};
        switch (kind) {
            case ArrayKind::parameters:
                arrays = {layer.w.data, layer.b};
                break;
            case ArrayKind::slot0:
                arrays = {layer.slots_w[0], layer.slots_b[0]};
                break;
            case ArrayKind::slot1:
                arrays = {layer.slots_w[1], layer.slots_b[1]};
                break;
            case ArrayKind::gradient:
                arrays = {layer.nabla_w, layer.nabla_b};
                break;
        }
        if (arrays.first == nullptr) {
            throw std::invalid_argument("the session's optimizer has no such slot");
        }
        return arrays;
    }

    void copy_out(int l, ArrayKind kind, T factor, T *w, T *b) const {
        const auto lock = lock_session();
        const Layer<T> &layer = layers.at(l);
        const auto [from_w, from_b] = arrays_of(layer, kind);
        std::copy_n(from_b, layer.n_out, b);
        for_each_weight(layer, [&](long o, long k, long index) {
            w[o * layer.n_in + k] = from_w[index] * factor;
        });
    }

    // Multiplies the deferred w_scale into the first layer's w.
    void apply_w_scale() {
        if (network.w_scale == 1) {
            return;
        }
        PanelMatrix<T> &w = layers[0].w;
        const T factor = T(network.w_scale);
        std::for_each(w.data, w.data + chainrule::size(w), [factor](T &x) { x *= factor; });
        network.w_scale = 1;
    }

    // f(o, k, index): weight k of unit o lies at w.data[index]. In blocks within one panel, so that
    // neither (n_out, n_in) nor the panels are read across their rows.
    template <class F>
    static void for_each_weight(const Layer<T> &layer, F &&f) {
        constexpr long block = max_panel_width<T>;
        for (long first_k = 0; first_k < layer.n_in; first_k += block) {
            const long last_k = std::min<long>(first_k + block, layer.n_in);
            for (long o = 0; o < layer.n_out; ++o) {
                const bool input_major = layer.input_major;
                const long first =
                    input_major ? offset(layer.w, first_k, o) : offset(layer.w, o, first_k);
                const long step = input_major ? panel_at(layer.w, o).width : 1;
                for (long k = first_k; k < last_k; ++k) {
                    f(o, k, first + (k - first_k) * step);
                }
            }
        }
    }

    // A finite number times 0 is 0, and others give NaN. As many sums as fill a vector.
    static bool all_finite(const T *numbers, std::int64_t count) {
        T sums[line<T>]{};
        for (std::int64_t i = 0; i < count; i += line<T>) {
            for (long j = 0; j < line<T>; ++j) {
                sums[j] += numbers[i + j] * 0;
            }
        }
        return std::all_of(sums, sums + line<T>, [](T sum) { return sum == 0; });
    }

    // The largest number of workers that a step can use.
    int max_workers(const Data &data) const {
        const PanelMatrix<T> &w = layers[0].w;
        const long parts = (w.columns + w.columns_per_worker - 1) / w.columns_per_worker;
        return data.sparse ? int(std::min<long>(threads, parts)) : threads;
    }

    // The next slice, on one thread or on all workers, as the tuner decides.
    ThreadTuner::Slice next_slice(int workers, std::int64_t steps) {
        if (tune_threads && workers > 1) {
            return tuner.next_slice();
        }
        return {.all_threads = workers > 1, .steps = steps};
    }

    template <class Work>
    void run_timed(const ThreadTuner::Slice &slice, int workers, Work &&work) {
        const auto begin = std::chrono::steady_clock::now();
        ThreadPool::instance().run(slice.all_threads ? workers : 1, work);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        tuner.record(slice, taken.count());
    }

    // The rest of a schedule, from example `begin` and mini-batch k on.
    static MiniBatchSchedule part_of_schedule(const MiniBatchSchedule &schedule, std::int64_t begin,
                                              std::int64_t k) {
        MiniBatchSchedule part = schedule;
        part.order += begin;
        part.length -= begin;
        part.offset_in_epoch = (schedule.offset_in_epoch + begin) % schedule.epoch_length;
        part.rate += k;
        part.decay += k;
        part.costs += k;
        part.correct += k;
        part.squares = schedule.squares ? schedule.squares + k : nullptr;
        return part;
    }

    // The largest number of entries in a mini-batch: at least 1 for sparse data, since an empty CSC
    // has column_starts too; 0 for dense data.
    static std::int64_t max_csc_entries(const Data &data, const MiniBatchSchedule &schedule) {
        if (!data.sparse) {
            return 0;
        }
        std::int64_t max_entries = 1;
        std::int64_t m = 0;
        for (std::int64_t first = 0; first < schedule.length; first += m) {
            m = batch_size_at(schedule, first);
            std::int64_t entries = 0;
            for (std::int64_t i = first; i < first + m; ++i) {
                const std::int64_t row = schedule.order ? schedule.order[i] : i;
                entries += data.row_starts[row + 1] - data.row_starts[row];
            }
            max_entries = std::max(max_entries, entries);
        }
        return max_entries;
    }

    void reserve(const Data &data, std::int64_t examples, std::int64_t csc_entries) {
        const std::int64_t dense_examples = data.sparse ? 0 : examples;
        if (dense_examples > 0) {  // the gradient of dense examples reaches every row of w
            std::fill_n(layers[0].active_inputs, layers[0].n_in, std::uint8_t(1));
        }
        workspace.reserve(
            network, threads,
            {.examples = examples, .dense_examples = dense_examples, .csc_entries = csc_entries});
    }
};

}  // namespace chainrule::host
