// The deferred factor of the first layer's weights, which plain steps with L2 on sparse data
// multiply instead of the weights.
#pragma once
#include "test_cases.hpp"

// After every so many steps the factor is applied, whatever its value.
constexpr std::int64_t steps_between_scalings = 1024;

// A training that passes a step whose number is a multiple of 1024 after 124 steps, and in which
// the factor falls below its least value after 812. It has more than 1024 steps in all, so that
// counting them from the start of a call instead would be found.
inline Case deferred_scale_case(Activation first_activation, InputKind kind) {
    Random random(11);
    Case c;
    c.kind = kind;
    c.sparse = true;
    c.has_labels = true;
    c.has_weights = true;
    c.delta_is_difference = true;
    add_layer(random, c.network, 70, 33, first_activation);
    add_layer(random, c.network, 33, 3, Activation::softmax);
    c.network.cost.name = CostName::log_loss;
    c.network.step = 900;
    c.examples = random_examples(random, c, 30);
    set_training(c, 1100, 3, 0.01, 1);
    return c;
}

// The reference's networks after each step.
inline std::vector<reference::Network> networks_of(const Case &c) {
    std::vector<reference::Network> networks{c.network};
    reference::Network network = c.network;
    for (std::int64_t k = 0; k < c.steps(); ++k) {
        const auto [first, size] = c.mini_batches[k];
        reference::step(network, c.examples, c.order.data() + first, size, c.rates[k], c.decays[k]);
        networks.push_back(network);
    }
    return networks;
}

// Evaluation and gradient of a session with a deferred factor, on dense and on sparse data.
template <class T>
void test_evaluation_with_w_scale(const KernelTable<T> &kernels, const Case &c,
                                  const State<T> &state, const reference::Network &network) {
    const reference::Evaluation expected = reference::evaluate(network, c.examples);
    for (const bool sparse : {false, true}) {
        const KernelData examples(c, sparse);
        const auto session = make_session(kernels, c, state, {.count = 2});
        std::vector<T> outputs(expected.outputs.size());
        session->evaluate(examples.data, outputs.data());
        require_near(outputs, expected.outputs, "outputs with a deferred factor");
        const double cost = session->evaluate(examples.data).cost;
        require_near(std::vector<T>{T(cost)}, {expected.totals.cost},
                     "the cost with a deferred factor");
        require(state_of(*session, Rule::sgd) == state, "evaluate keeps the deferred factor");
        session->gradient(examples.data, nullptr, examples.data.n);
        require(session->w_scale() == 1, "gradient applies the deferred factor");
        require_near(get_arrays(*session, ArrayKind::gradient),
                     reference::flatten(expected.gradient), "the gradient with a deferred factor");
        require_near(get_arrays(*session, ArrayKind::parameters),
                     reference::flatten(network.parameters), "the weights with their factor");
    }
}

template <class T>
void test_w_scale(const KernelTable<T> &kernels, const Case &c) {
    const KernelData examples(c);
    const KernelData dense_examples(c, false);
    const std::vector<reference::Network> networks = networks_of(c);
    const auto uncut = make_session(kernels, c);
    const StepResults expected = advance(*uncut, c, examples);
    const State<T> end = state_of(*uncut, Rule::sgd);
    require_near(get_arrays(*uncut, ArrayKind::parameters),
                 reference::flatten(networks.back().parameters), "the parameters after the steps");

    const auto tuned = make_session(kernels, c, {.count = 2, .tune = true});
    require(advance(*tuned, c, examples) == expected && state_of(*tuned, Rule::sgd) == end,
            "the same bits with a measured number of threads");

    const auto cut = make_session(kernels, c);
    StepResults results(c.steps());
    std::int64_t last = 0;
    int deferred = 0;
    for (const std::int64_t k :
         {1, 2, 100, 123, 124, 125, 500, 812, 813, 814, 815, 816, 817, 999}) {
        const std::string place = " after step " + std::to_string(k);
        advance(*cut, c, examples, results, last, k);
        last = k;
        const State<T> state = state_of(*cut, Rule::sgd);
        deferred += state.w_scale != 1;
        require(state.step % steps_between_scalings != 0 || state.w_scale == 1,
                "the factor is applied" + place);
        require_near(get_arrays(*cut, ArrayKind::parameters),
                     reference::flatten(networks[k].parameters), "the parameters" + place);
        test_evaluation_with_w_scale(kernels, c, state, networks[k]);
        StepResults rest = results;
        const auto second = make_session(kernels, c, state, {.count = 2});
        advance(*second, c, examples, rest, k, c.steps());
        require(rest == expected && state_of(*second, Rule::sgd) == end,
                "the same bits in a second session from the state" + place);
        cut->evaluate(dense_examples.data);
    }
    require(deferred > 10, "the factor is deferred");
    advance(*cut, c, examples, results, last, c.steps());
    require(results == expected && state_of(*cut, Rule::sgd) == end,
            "the same bits where the training is cut and evaluated in between");
}

// A step on dense data applies the factor first.
template <class T>
void test_dense_step_with_w_scale(const KernelTable<T> &kernels, const Case &c) {
    constexpr std::int64_t sparse_steps = 50;
    const KernelData examples(c);
    const KernelData dense_examples(c, false);
    const auto session = make_session(kernels, c);
    StepResults results(c.steps());
    advance(*session, c, examples, results, 0, sparse_steps);
    require(session->w_scale() != 1, "the factor is deferred");
    advance(*session, c, dense_examples, results, sparse_steps, sparse_steps + 2);
    require(session->w_scale() == 1, "a dense step applies the factor");
    require_near(get_arrays(*session, ArrayKind::parameters),
                 reference::flatten(networks_of(c)[sparse_steps + 2].parameters),
                 "the parameters after sparse and dense steps");
}

inline void test_w_scale(const chainrule::host::InstructionSet &set) {
    const Case of_relu = deferred_scale_case(Activation::relu, InputKind::pixels);
    const Case of_silu = deferred_scale_case(Activation::silu, InputKind::float32);
    for (const Case &c : {of_relu, of_silu}) {
        const auto &[of_float, of_double] = set.kernels;
        test_context = set.name + ", float, deferred factor: " + c.description();
        test_w_scale<float>(of_float, c);
        test_dense_step_with_w_scale<float>(of_float, c);
        test_context = set.name + ", double, deferred factor: " + c.description();
        test_w_scale<double>(of_double, c);
        test_dense_step_with_w_scale<double>(of_double, c);
    }
}
