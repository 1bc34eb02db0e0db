// A case in the structures that the kernels take.
#pragma once
#include <memory>
#include <tuple>

#include "checks.hpp"
#include "random_cases.hpp"
#include "runtime/session.hpp"
#include "sparse/build_csr.hpp"

using chainrule::KernelTable;
using chainrule::MiniBatchSchedule;
using chainrule::host::ArrayKind;
using chainrule::host::Session;
using chainrule::host::SessionSettings;

// The examples of a case as chainrule::Data, and the memory of its arrays.
class KernelData {
public:
    chainrule::Data data{};

    explicit KernelData(const Case &c) : KernelData(c, c.sparse) {}

    KernelData(const Case &c, bool sparse)
        : classes(c.examples.classes.begin(), c.examples.classes.end()),
          weights(c.examples.weights) {
        data.n = std::int64_t(c.examples.size());
        data.n_in = int(c.n_in());
        data.kind = c.kind;
        data.sparse = sparse;
        data.wide_columns = c.wide_columns;
        chainrule::with_input_type(
            c.kind, nullptr, [&]<class Value>(const Value *) { set_inputs<Value>(c.examples.x); });
        for (const reference::Vector &y : c.examples.y) {
            targets.insert(targets.end(), y.begin(), y.end());
        }
        data.labels = c.has_labels ? classes.data() : nullptr;
        data.targets = c.has_labels ? nullptr : targets.data();
        data.classes = classes.data();
        data.weights = c.has_weights ? weights.data() : nullptr;
    }

    KernelData(const KernelData &) = delete;

private:
    template <class Value>
    struct Inputs {
        std::vector<Value> dense;
        std::vector<Value> csr_values;
    };

    std::tuple<Inputs<std::uint8_t>, Inputs<float>, Inputs<double>> inputs;
    std::vector<std::int64_t> row_starts;
    std::vector<std::uint16_t> narrow_columns;
    std::vector<std::uint32_t> wide_columns;
    std::vector<std::int32_t> classes;
    std::vector<double> targets;
    std::vector<double> weights;

    template <class Value>
    void set_inputs(const reference::Matrix &rows) {
        std::vector<Value> &x = std::get<Inputs<Value>>(inputs).dense;
        for (const reference::Vector &row : rows) {
            for (const double value : row) {
                const bool is_pixel = sizeof(Value) == 1;
                x.push_back(is_pixel ? Value(std::lround(value * 255)) : Value(value));
            }
        }
        data.values = x.data();
        if (!data.sparse) {
            return;
        }
        if (data.wide_columns) {
            set_csr<Value>(wide_columns);
        } else {
            set_csr<Value>(narrow_columns);
        }
    }

    template <class Value, class Column>
    void set_csr(std::vector<Column> &columns) {
        auto &[dense, csr_values] = std::get<Inputs<Value>>(inputs);
        row_starts.assign(std::size_t(data.n) + 1, 0);
        chainrule::host::count_entries(dense.data(), data.n, data.n_in, row_starts.data() + 1, 2);
        std::partial_sum(row_starts.begin(), row_starts.end(), row_starts.begin());
        columns.resize(std::size_t(row_starts.back()));
        csr_values.resize(columns.size());
        chainrule::host::fill_entries(dense.data(), data.n, data.n_in, row_starts.data(),
                                      columns.data(), csr_values.data(), 3);
        data.row_starts = row_starts.data();
        data.columns = columns.data();
        data.values = csr_values.data();
        chainrule::host::check_csr(data, columns.data());
    }
};

// How many threads a session may use, and whether it may choose fewer.
struct Threads {
    int count = 1;
    bool tune = false;
};

inline SessionSettings session_settings(const Case &c, std::int64_t step, Threads threads) {
    const reference::Network &network = c.network;
    SessionSettings settings{
        .sizes = {network.n_in()},
        .activations = network.activations,
        .dropout = network.dropout,
        .cost = network.cost,
        .delta_is_difference = c.delta_is_difference,
        .label_smoothing = network.label_smoothing,
        .optimizer = network.optimizer,
        .seed = network.seed,
        .step = step,
        .threads = threads.count,
        .tune_threads = threads.tune,
    };
    for (const reference::LayerArrays &layer : network.parameters) {
        settings.sizes.push_back(std::int64_t(layer.b.size()));
    }
    return settings;
}

// Everything that a new session needs to go on where another stopped.
template <class T>
struct State {
    std::vector<T> parameters;  // as for_each_layer has them; the first layer's w without w_scale
    std::vector<T> slots[2];
    double w_scale = 1;
    std::int64_t step = 0;
    bool operator==(const State &) const = default;
};

constexpr ArrayKind slot_kinds[] = {ArrayKind::slot0, ArrayKind::slot1};

// One kind of array of every layer, w_scale applied.
template <class T>
std::vector<T> get_arrays(const Session<T> &session, ArrayKind kind) {
    std::vector<T> arrays(std::size_t(session.size()));
    session.for_each_layer(arrays.data(), [&](int l, T *w, T *b) { session.get(l, kind, w, b); });
    return arrays;
}

template <class T>
State<T> state_of(const Session<T> &session, Rule rule) {
    State<T> state{.parameters = get_arrays(session, ArrayKind::parameters),
                   .slots = {},
                   .w_scale = session.w_scale(),
                   .step = session.step()};
    session.for_each_layer(state.parameters.data(), [&](int l, T *w, T *b) {
        if (l == 0) {
            session.get_unscaled(w, b);
        }
    });
    for (int k = 0; k < chainrule::slots_of(rule); ++k) {
        state.slots[k] = get_arrays(session, slot_kinds[k]);
    }
    return state;
}

// The reference network's parameters and slots in type T.
template <class T>
State<T> state_of(const reference::Network &network) {
    const auto converted = [](const reference::NetworkArrays &arrays) {
        const reference::Vector all = reference::flatten(arrays);
        return std::vector<T>(all.begin(), all.end());
    };
    State<T> state{.parameters = converted(network.parameters), .slots = {}, .step = network.step};
    for (int k = 0; k < chainrule::slots_of(network.optimizer.rule); ++k) {
        state.slots[k] = converted(network.slots[k]);
    }
    return state;
}

template <class T>
std::unique_ptr<Session<T>> make_session(const KernelTable<T> &kernels, const Case &c,
                                         const State<T> &state, Threads threads) {
    auto session = std::make_unique<Session<T>>(kernels, session_settings(c, state.step, threads));
    session->for_each_layer(state.parameters.data(), [&](int l, const T *w, const T *b) {
        if (l == 0) {
            session->put_unscaled(w, b, state.w_scale);
        } else {
            session->put(l, ArrayKind::parameters, w, b);
        }
    });
    for (int k = 0; k < chainrule::slots_of(c.rule()); ++k) {
        session->for_each_layer(state.slots[k].data(), [&](int l, const T *w, const T *b) {
            session->put(l, slot_kinds[k], w, b);
        });
    }
    return session;
}

// A session at the start of the case's training.
template <class T>
std::unique_ptr<Session<T>> make_session(const KernelTable<T> &kernels, const Case &c,
                                         Threads threads = {}) {
    return make_session(kernels, c, state_of<T>(c.network), threads);
}

// Numbers of each step of a training.
struct StepResults {
    std::vector<double> costs;
    std::vector<double> correct;
    std::vector<double> squares;
    bool operator==(const StepResults &) const = default;

    explicit StepResults(std::int64_t steps) : costs(steps), correct(steps), squares(steps) {}
};

// Steps [first, last) of the case's training.
template <class T>
void advance(Session<T> &session, const Case &c, const KernelData &examples, StepResults &results,
             std::int64_t first, std::int64_t last) {
    if (first == last) {
        return;
    }
    const std::int64_t begin = c.mini_batches[first].first;
    const std::int64_t end = c.mini_batches[last - 1].first + c.mini_batches[last - 1].size;
    const MiniBatchSchedule schedule{
        .order = c.order.data() + begin,
        .length = end - begin,
        .batch_size = c.batch_size,
        .epoch_length = c.epoch_length,
        .offset_in_epoch = begin % c.epoch_length,
        .rate = c.rates.data() + first,
        .decay = c.decays.data() + first,
        .costs = results.costs.data() + first,
        .correct = results.correct.data() + first,
        .squares = results.squares.data() + first,
    };
    session.advance(examples.data, schedule);
}

// The whole training of a case.
template <class T>
StepResults advance(Session<T> &session, const Case &c, const KernelData &examples) {
    StepResults results(c.steps());
    advance(session, c, examples, results, 0, c.steps());
    return results;
}
