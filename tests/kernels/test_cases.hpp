// Random cases: forward, costs, gradient and training of the kernels against the reference, and the
// same bits whatever the threads and wherever a training is cut.
#pragma once
#include <optional>

#include "kernel_data.hpp"
#include "runtime/dispatch.hpp"

// A case's results by the reference.
struct Expected {
    reference::Evaluation before;
    std::vector<reference::Network> networks;  // before each step, and after the last
    std::vector<reference::Totals> steps;
    std::vector<double> costs;
    std::vector<double> squares;
};

inline Expected expected_results(const Case &c) {
    Expected expected{.before = reference::evaluate(c.network, c.examples),
                      .networks = {c.network},
                      .steps = {},
                      .costs = {},
                      .squares = {}};
    const bool every_network = c.rule() == Rule::lion;
    reference::Network network = c.network;
    for (std::int64_t k = 0; k < c.steps(); ++k) {
        const auto [first, size] = c.mini_batches[k];
        expected.squares.push_back(reference::squared_weights(network));
        expected.steps.push_back(reference::step(network, c.examples, c.order.data() + first, size,
                                                 c.rates[k], c.decays[k]));
        expected.costs.push_back(expected.steps.back().cost);
        if (every_network || k + 1 == c.steps()) {
            expected.networks.push_back(network);
        }
    }
    return expected;
}

// The outputs of dense rows through unpadded arrays, as forward_small takes them; nothing where it
// refuses the rows.
template <class T>
std::optional<std::vector<T>> outputs_of_forward_small(const KernelTable<T> &kernels, const Case &c,
                                                       const KernelData &examples,
                                                       double lowest = -INFINITY,
                                                       double highest = INFINITY) {
    std::vector<std::vector<T>> arrays;
    const auto hold = [&](const reference::Vector &numbers) {
        return arrays.emplace_back(numbers.begin(), numbers.end()).data();
    };
    std::vector<chainrule::BorrowedLayer<T>> layers;
    long widest = c.n_in();
    for (std::size_t l = 0; l < c.network.n_layers(); ++l) {
        const reference::LayerArrays &layer = c.network.parameters[l];
        reference::Vector w;
        for (const reference::Vector &row : layer.w) {
            w.insert(w.end(), row.begin(), row.end());
        }
        layers.push_back({
            .n_in = long(layer.w[0].size()),
            .n_out = long(layer.b.size()),
            .activation = c.network.activations[l],
            .w = hold(w),
            .b = hold(layer.b),
        });
        widest = std::max(widest, layers.back().n_out);
    }
    const long buffer_length = chainrule::round_up(widest, chainrule::line<T>);
    std::vector<T> buffers(std::size_t(2 * buffer_length));
    const chainrule::BorrowedNetwork<T> network{
        .n_layers = int(layers.size()),
        .layers = layers.data(),
        .buffers = {buffers.data(), buffers.data() + buffer_length},
        .lowest_input = T(lowest),
        .highest_input = T(highest),
    };
    std::vector<T> out(std::size_t(examples.data.n * c.n_out()));
    if (!kernels.forward_small(network, c.kind, examples.data.values, examples.data.n,
                               out.data())) {
        return std::nullopt;
    }
    return out;
}

// Whether every row of images has a pixel above 1; forward_small refuses others, whose pixels may
// be meant as 0 and 1.
inline bool has_gray_in_every_row(const Case &c) {
    return std::all_of(c.examples.x.begin(), c.examples.x.end(), [](const reference::Vector &x) {
        return std::any_of(x.begin(), x.end(), [](double v) { return v * 255 > 1.5; });
    });
}

template <class T>
void test_forward_small(const KernelTable<T> &kernels, const Case &c, const KernelData &examples,
                        const Expected &expected) {
    const auto outputs = outputs_of_forward_small(kernels, c, examples);
    const bool allowed = c.kind != InputKind::pixels || has_gray_in_every_row(c);
    require(outputs.has_value() == allowed, "forward_small refuses images without a gray pixel");
    if (!allowed) {
        return;
    }
    require_near(*outputs, expected.before.outputs, "the outputs of forward_small");
    if (c.kind == InputKind::pixels) {
        return;
    }
    double lowest = INFINITY;
    double highest = -INFINITY;
    for (const reference::Vector &x : c.examples.x) {
        lowest = std::min(lowest, *std::min_element(x.begin(), x.end()));
        highest = std::max(highest, *std::max_element(x.begin(), x.end()));
    }
    const auto within = [&](double low, double high) {
        return outputs_of_forward_small(kernels, c, examples, low, high).has_value();
    };
    require(within(lowest, highest), "forward_small takes inputs at the limits");
    require(!within(lowest + 1e-3, highest), "forward_small refuses inputs below lowest_input");
    require(!within(lowest, highest - 1e-3), "forward_small refuses inputs above highest_input");
}

// How `correct` must compare with the reference: examples whose two largest outputs are nearly
// equal may count or not.
inline void require_correct(double actual, const reference::Totals &expected,
                            const std::string &what) {
    require(std::fabs(actual - expected.correct) <= expected.undecided, what);
}

// Every second row, the last one first: their outputs are those of these rows among all, and the
// totals of these and of the other rows add up to those of all.
template <class T>
void test_evaluation_of_rows(Session<T> &session, const KernelData &examples,
                             const reference::Vector &all_outputs) {
    const std::int64_t n = examples.data.n;
    const std::size_t n_out = std::size_t(session.n_out());
    const chainrule::Totals all = session.evaluate(examples.data);
    chainrule::Totals sum{.cost = 0, .correct = 0, .weight = 0};
    for (const std::int64_t parity : {0, 1}) {
        std::vector<std::int64_t> rows;
        reference::Vector expected;
        for (std::int64_t row = n - 1; row >= 0; --row) {
            if (row % 2 == parity) {
                rows.push_back(row);
                const auto first = all_outputs.begin() + row * std::int64_t(n_out);
                expected.insert(expected.end(), first, first + std::int64_t(n_out));
            }
        }
        std::vector<T> outputs(expected.size());
        const auto count = std::int64_t(rows.size());
        session.evaluate(examples.data, rows.data(), count, outputs.data());
        require_near(outputs, expected, "the outputs of listed rows");
        chainrule::add(sum, session.evaluate(examples.data, rows.data(), count));
    }
    require_near(std::vector<T>{T(sum.cost)}, {all.cost}, "the costs of two halves");
    require(sum.weight == all.weight, "the weights of two halves");
}

// Evaluation and gradient before the training.
template <class T>
void test_evaluation(Session<T> &session, const KernelData &examples, const Expected &expected) {
    const reference::Totals &totals = expected.before.totals;
    std::vector<T> outputs(expected.before.outputs.size());
    session.evaluate(examples.data, outputs.data());
    require_near(outputs, expected.before.outputs, "the outputs of evaluate");
    const chainrule::Totals evaluated = session.evaluate(examples.data);
    require_near(std::vector<T>{T(evaluated.cost)}, {totals.cost}, "the cost of evaluate");
    require_correct(evaluated.correct, totals, "the correct examples of evaluate");
    require(evaluated.weight == totals.weight, "the weight of evaluate");

    test_evaluation_of_rows(session, examples, expected.before.outputs);

    const chainrule::Totals with_gradient =
        session.gradient(examples.data, nullptr, examples.data.n);
    const std::vector<T> gradient = get_arrays(session, ArrayKind::gradient);
    require_near(gradient, reference::flatten(expected.before.gradient), "the gradient");
    require_near(std::vector<T>{T(with_gradient.cost)}, {expected.before.gradient_totals.cost},
                 "the cost of the gradient");
    require_correct(with_gradient.correct, totals, "the correct examples of the gradient");
    std::vector<std::int64_t> rows(std::size_t(examples.data.n));
    std::iota(rows.begin(), rows.end(), 0);
    session.gradient(examples.data, rows.data(), examples.data.n);
    require_near(get_arrays(session, ArrayKind::gradient), {gradient.begin(), gradient.end()},
                 "the gradient of listed rows");
}

// A training's results, compared bit by bit.
template <class T>
struct Training {
    StepResults results;
    State<T> end;
    double evaluated_cost = 0;  // after it
    std::vector<T> evaluated_gradient;
    bool operator==(const Training &) const = default;
};

// Trains; where `cut` is not 0, a second session goes on from the first one's state after `cut`
// steps.
template <class T>
Training<T> train(const KernelTable<T> &kernels, const Case &c, const KernelData &examples,
                  Threads threads, std::int64_t cut = 0) {
    StepResults results(c.steps());
    State<T> state = state_of<T>(c.network);
    if (cut > 0) {
        const auto first = make_session(kernels, c, state, threads);
        advance(*first, c, examples, results, 0, cut);
        state = state_of(*first, c.rule());
    }
    const auto session = make_session(kernels, c, state, threads);
    advance(*session, c, examples, results, cut, c.steps());
    require(session->finite(), "the parameters are finite");
    Training<T> training{.results = results,
                         .end = state_of(*session, c.rule()),
                         .evaluated_cost = session->evaluate(examples.data).cost,
                         .evaluated_gradient = {}};
    session->gradient(examples.data, nullptr, examples.data.n);
    training.evaluated_gradient = get_arrays(*session, ArrayKind::gradient);
    return training;
}

// Lion steps each parameter by the sign of beta1 m + (1 - beta1) g. Where this is too near 0 for
// its sign to be certain, neither sign is wrong: `actual` is set to what the reference has.
// `slot_before` and `slot_after` are its m.
template <class T>
void ignore_uncertain_signs(const reference::Optimizer &optimizer,
                            const reference::Vector &slot_before,
                            const reference::Vector &slot_after, double rate,
                            const reference::Vector &expected, std::vector<T> &actual) {
    constexpr double uncertain = sizeof(T) == 4 ? 1e-4 : 1e-11;
    std::vector<double> sums;
    double largest = 0;
    for (std::size_t i = 0; i < slot_after.size(); ++i) {
        const double g = (slot_after[i] - optimizer.beta2 * slot_before[i]) / (1 - optimizer.beta2);
        sums.push_back(optimizer.beta1 * slot_before[i] + (1 - optimizer.beta1) * g);
        largest = std::max(largest, std::fabs(sums.back()));
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const bool is_step = std::fabs(actual[i] - expected[i]) <= 2.01 * rate;
        if (sums[i] != 0 && std::fabs(sums[i]) < uncertain * largest && is_step) {
            actual[i] = T(expected[i]);
        }
    }
}

// Every step of Lion by itself, from the reference's state: one sign of another step would change
// all that follow.
template <class T>
void test_steps_of_lion(const KernelTable<T> &kernels, const Case &c, const KernelData &examples,
                        const Expected &expected) {
    for (std::int64_t k = 0; k < c.steps(); ++k) {
        const reference::Network &before = expected.networks[k];
        const reference::Network &after = expected.networks[k + 1];
        const auto session = make_session(kernels, c, state_of<T>(before), {});
        StepResults results(c.steps());
        advance(*session, c, examples, results, k, k + 1);
        State<T> actual = state_of(*session, Rule::lion);
        const reference::Vector parameters = reference::flatten(after.parameters);
        ignore_uncertain_signs(c.network.optimizer, reference::flatten(before.slots[0]),
                               reference::flatten(after.slots[0]), c.rates[k], parameters,
                               actual.parameters);
        require_near(actual.parameters, parameters, "the parameters after a step of Lion");
        require_near(actual.slots[0], reference::flatten(after.slots[0]),
                     "the slot after a step of Lion");
        require_near(std::vector<T>{T(results.costs[k])}, {expected.costs[k]},
                     "the cost of a step of Lion");
        require_near(std::vector<T>{T(results.squares[k])}, {expected.squares[k]},
                     "the squares before a step of Lion");
    }
}

// A training as the reference computes it.
template <class T>
void require_expected(const Training<T> &training, const Session<T> &scaled, const Case &c,
                      const Expected &expected) {
    const reference::Network &end = expected.networks.back();
    const auto as_type = [](const std::vector<double> &numbers) {
        return std::vector<T>(numbers.begin(), numbers.end());
    };
    require_near(as_type(training.results.costs), expected.costs, "the costs of advance");
    require_near(as_type(training.results.squares), expected.squares, "the squares of advance");
    for (std::int64_t k = 0; k < c.steps() && !c.has_dropout(); ++k) {
        require_correct(training.results.correct[k], expected.steps[k],
                        "the correct examples of step " + std::to_string(k));
    }
    require_near(get_arrays(scaled, ArrayKind::parameters), reference::flatten(end.parameters),
                 "the parameters after advance");
    for (int k = 0; k < chainrule::slots_of(c.rule()); ++k) {
        require_near(training.end.slots[k], reference::flatten(end.slots[k]),
                     "the slots after advance");
    }
}

// A training, and the same bits of it with other threads and cuts.
template <class T>
void test_training(const KernelTable<T> &kernels, const Case &c, const KernelData &examples,
                   const Expected &expected) {
    const Training<T> training = train(kernels, c, examples, {});
    require(training.end.step == c.network.step + c.steps(), "the number of steps");
    if (c.rule() == Rule::lion) {
        test_steps_of_lion(kernels, c, examples, expected);
    } else {
        const auto session = make_session(kernels, c, training.end, {});
        require_expected(training, *session, c, expected);
    }
    const auto require_same_bits = [&](Threads threads, std::int64_t cut, const std::string &what) {
        require(train(kernels, c, examples, threads, cut) == training, "the same bits " + what);
    };
    require_same_bits({.count = 2}, 0, "with 2 threads");
    require_same_bits({.count = 3}, 0, "with 3 threads");
    require_same_bits({.count = 2, .tune = true}, 0, "with a measured number of threads");
    if (c.steps() > 1) {
        const std::int64_t cut = std::max<std::int64_t>(1, c.steps() / 3);
        require_same_bits({.count = 2}, cut, "in a second session from the first's state");
    }
}

template <class T>
void test_case(const KernelTable<T> &kernels, const Case &c, const KernelData &examples,
               const Expected &expected) {
    test_evaluation(*make_session(kernels, c), examples, expected);
    if (!c.sparse) {
        test_forward_small(kernels, c, examples, expected);
    }
    test_training(kernels, c, examples, expected);
}
