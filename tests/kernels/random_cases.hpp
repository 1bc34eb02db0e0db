// Random networks, examples and trainings for the kernels' tests.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "reference.hpp"

using chainrule::Activation;
using chainrule::CostName;
using chainrule::InputKind;
using chainrule::Rule;

#define CHAINRULE_STRING(name) #name,
constexpr const char *activation_names[] = {CHAINRULE_ACTIVATIONS(CHAINRULE_STRING)};
constexpr const char *cost_names[] = {CHAINRULE_COSTS(CHAINRULE_STRING)};
#undef CHAINRULE_STRING
constexpr const char *rule_names[] = {"sgd", "momentum", "nesterov", "adam", "rmsprop", "lion"};
constexpr const char *input_kind_names[] = {"float32", "float64", "pixels"};

constexpr int activation_count = int(std::size(activation_names));
constexpr int elementwise_activation_count = activation_count - 1;  // all but softmax, the last
constexpr int cost_count = int(std::size(cost_names));
constexpr int rule_count = int(std::size(rule_names));
static_assert(int(Activation::softmax) == elementwise_activation_count);
static_assert(int(Rule::lion) == rule_count - 1);

// Random numbers that are the same on every machine; those of the standard library's distributions
// are not.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine(seed) {}

    long below(long n) { return long(engine() % std::uint64_t(n)); }

    // Uniform on [low, high), rounded to a float, so that both types of number hold it exactly.
    double between(double low, double high) {
        const double unit = double(engine() >> 11) / 9007199254740992.0;
        return float(low + (high - low) * unit);
    }

    bool one_in(long n) { return below(n) == 0; }

    template <class Value>
    Value choice(std::initializer_list<Value> values) {
        return values.begin()[below(long(values.size()))];
    }

private:
    std::mt19937_64 engine;
};

// Some consecutive entries of Case::order.
struct MiniBatchPlace {
    std::int64_t first;
    std::int64_t size;
};

// A network, examples, and a training.
struct Case {
    reference::Network network;
    reference::Examples examples;
    InputKind kind = InputKind::float32;
    bool sparse = false;
    bool wide_columns = false;  // CSR columns are uint32
    bool has_labels = false;    // targets are classes
    bool has_weights = false;
    bool delta_is_difference = false;

    // One or more epochs' rows, one after another.
    std::vector<std::int64_t> order;
    std::int64_t epoch_length = 0;
    std::int64_t batch_size = 0;
    std::vector<MiniBatchPlace> mini_batches;
    std::vector<double> rates;   // one a mini-batch
    std::vector<double> decays;  // L2, one a mini-batch

    std::int64_t steps() const { return std::int64_t(mini_batches.size()); }
    long n_in() const { return network.n_in(); }
    long n_out() const { return network.n_out(); }
    Rule rule() const { return network.optimizer.rule; }

    bool has_dropout() const {
        return std::any_of(network.dropout.begin(), network.dropout.end(),
                           [](double p) { return p > 0; });
    }

    std::string description() const;
};

inline std::string Case::description() const {
    std::ostringstream text;
    text << n_in();
    for (std::size_t l = 0; l < network.n_layers(); ++l) {
        text << "-" << network.parameters[l].b.size() << " "
             << activation_names[int(network.activations[l])];
        if (network.dropout[l] > 0) {
            text << " dropout " << network.dropout[l];
        }
    }
    const reference::Optimizer &o = network.optimizer;
    text << ", cost " << cost_names[int(network.cost.name)] << ", label smoothing "
         << network.label_smoothing << ", rule " << rule_names[int(o.rule)] << ", clip " << o.clip
         << ", l1 " << o.l1 << ", weight_decay " << o.weight_decay
         << (delta_is_difference ? ", delta = a - y, " : ", ") << examples.size()
         << (sparse ? " sparse" : " dense") << (wide_columns ? " wide " : " ")
         << input_kind_names[int(kind)] << (has_weights ? " weighted" : "")
         << " examples, batch_size " << batch_size << ", " << steps() << " steps";
    return text.str();
}

// Cuts c.order into mini-batches of c.batch_size, each epoch from its start.
inline void cut_into_mini_batches(Case &c) {
    const auto length = std::int64_t(c.order.size());
    c.mini_batches.clear();
    std::int64_t first = 0;
    while (first < length) {
        const std::int64_t left_in_epoch = c.epoch_length - first % c.epoch_length;
        const std::int64_t size = std::min(c.batch_size, left_in_epoch);
        c.mini_batches.push_back({.first = first, .size = size});
        first += size;
    }
}

// Makes a training of `steps` mini-batches that take the examples in turn.
inline void set_training(Case &c, std::int64_t steps, std::int64_t batch_size, double rate,
                         double decay) {
    c.order.clear();
    for (std::int64_t i = 0; i < steps * batch_size; ++i) {
        c.order.push_back(i % std::int64_t(c.examples.size()));
    }
    c.batch_size = batch_size;
    c.epoch_length = steps * batch_size;
    cut_into_mini_batches(c);
    c.rates.assign(steps, rate);
    c.decays.assign(steps, decay);
}

// Appends a layer with random parameters, small enough that no output saturates.
inline void add_layer(Random &random, reference::Network &network, long n_in, long n_out,
                      Activation activation) {
    const bool after_exp =
        !network.activations.empty() && network.activations.back() == Activation::exp;
    const double largest = (after_exp ? 0.3 : 1.2) / std::sqrt(double(n_in));
    reference::LayerArrays layer = reference::zeros(n_out, n_in);
    for (reference::Vector &row : layer.w) {
        for (double &w : row) {
            w = random.between(-largest, largest);
        }
    }
    for (double &b : layer.b) {
        b = random.between(-0.5, 0.5);
    }
    network.parameters.push_back(layer);
    network.slots[0].push_back(reference::zeros(n_out, n_in));
    network.slots[1].push_back(reference::zeros(n_out, n_in));
    network.activations.push_back(activation);
    network.dropout.push_back(0);
}

// An output activation that fits the cost.
inline Activation random_output(Random &random, CostName cost, long n_out) {
    switch (cost) {
        case CostName::cross_entropy:
            return Activation::sigmoid;
        case CostName::log_loss:
            return Activation::softmax;
        case CostName::poisson:
            return random.choice({Activation::sigmoid, Activation::exp, Activation::softmax});
        default:
            // Softmax of one unit is constant, and its gradient is rounding errors alone.
            return Activation(
                random.below(n_out > 1 ? activation_count : elementwise_activation_count));
    }
}

inline void set_cost(Random &random, reference::Network &network, CostName name) {
    const long n_out = network.n_out();
    const bool possible = name != CostName::log_loss || n_out > 1;  // a distribution over one class
    network.cost = {
        .name = possible ? name : CostName::quadratic,
        .delta = random.choice({0.25, 1.0}),
    };
    network.activations.back() = random_output(random, network.cost.name, n_out);
    if (name == CostName::cross_entropy || network.cost.name == CostName::log_loss) {
        network.label_smoothing = random.choice({0.0, 0.1, 0.5});
    }
}

inline reference::Optimizer random_optimizer(Random &random, Rule rule) {
    reference::Optimizer optimizer{
        .rule = rule,
        .momentum = 0.9,
        .beta1 = 0.9,
        .beta2 = 0.99,
        .epsilon = 1e-2,
        .epsilon_on_raw = random.one_in(2),
        .weight_decay = 0,
        .l1 = random.choice({0.0, 0.0, 1e-3}),
        .clip = random.choice({-1.0, -1.0, 0.05, 3.0}),
    };
    if (rule == Rule::adam || rule == Rule::lion) {
        optimizer.weight_decay = random.choice({0.0, 0.01});
    }
    const bool without_penalties = rule == Rule::sgd && random.one_in(2);
    if (without_penalties) {  // steps_in_place
        optimizer.l1 = 0;
        optimizer.clip = -1;
    }
    return optimizer;
}

// Case number `number` has this activation in its first layer, unless that is the output.
inline Activation first_activation(int number) {
    return Activation(number % elementwise_activation_count);
}

inline reference::Network random_network(Random &random, long n_in, int number) {
    reference::Network network;
    const long depth = 1 + random.below(3);
    long width = n_in;
    for (long l = 0; l < depth; ++l) {
        const long n_out = random.choice({1, 3, 15, 16, 17, 63, 64, 65, 130});
        const auto activation = Activation(random.below(elementwise_activation_count));
        add_layer(random, network, width, n_out, l == 0 ? first_activation(number) : activation);
        if (l + 1 < depth) {
            network.dropout.back() = random.choice({0.0, 0.0, 0.3, 0.5});
        }
        width = n_out;
    }
    set_cost(random, network, CostName((number + number / cost_count) % cost_count));
    network.seed = std::uint64_t(random.below(1L << 62)) * 4 + 3;
    network.step = random.choice({0, 0, 5});
    network.optimizer = random_optimizer(random, Rule((number + number / rule_count) % rule_count));
    return network;
}

// The inputs of one example.
inline void fill_inputs(Random &random, const Case &c, double density, reference::Vector &x) {
    for (double &value : x) {
        if (random.between(0, 1) >= density) {
            continue;
        }
        value =
            c.kind == InputKind::pixels ? double(random.below(256)) / 255 : random.between(-1, 1);
    }
}

// The targets of one example.
inline void fill_targets(Random &random, const Case &c, int label, reference::Vector &y) {
    if (c.has_labels) {
        y[label] = 1;
        return;
    }
    double total = 0;
    for (double &value : y) {
        const bool is_count = c.network.cost.name == CostName::poisson;
        value = is_count ? double(random.below(4)) : random.between(0, 1);
        total += value;
    }
    if (c.network.cost.name == CostName::log_loss) {
        for (double &value : y) {
            value /= total;
        }
    }
}

inline reference::Examples random_examples(Random &random, const Case &c, long n) {
    constexpr long empty_row = 3;
    reference::Examples examples{
        .x = reference::Matrix(n, reference::Vector(c.n_in())),
        .y = reference::Matrix(n, reference::Vector(c.n_out())),
        .weights = reference::Vector(n, 1),
        .classes = std::vector<int>(n),
    };
    const bool all_empty = random.one_in(8);
    const double density = c.sparse ? random.choice({0.05, 0.3}) : 1;
    for (long i = 0; i < n; ++i) {
        if (!all_empty && i != empty_row) {
            fill_inputs(random, c, density, examples.x[i]);
        }
        examples.classes[i] = int(random.below(std::max(c.n_out(), 2L)));
        if (c.has_weights) {
            examples.weights[i] = random.choice({0.0, 0.25, 0.75, 1.0});
        }
        fill_targets(random, c, examples.classes[i], examples.y[i]);
    }
    return examples;
}

// Whether the derivative of the output activation cancels that of the cost.
inline bool can_be_difference(const reference::Network &network) {
    const std::pair<Activation, CostName> output{network.activations.back(), network.cost.name};
    constexpr std::pair<Activation, CostName> partners[] = {
        {Activation::identity, CostName::quadratic},
        {Activation::sigmoid, CostName::cross_entropy},
        {Activation::softmax, CostName::log_loss},
        {Activation::exp, CostName::poisson},
    };
    return std::find(std::begin(partners), std::end(partners), output) != std::end(partners);
}

// 36 consecutive numbers have every rule with every kind of inputs, dense and sparse; the rest is
// random.
inline Case random_case(int number) {
    Random random(std::uint64_t(number) + 1);
    Case c;
    c.kind = InputKind(number % 3);
    c.sparse = number % 6 > 2;
    c.wide_columns = random.one_in(2);
    c.network = random_network(random, random.choice({1, 15, 16, 17, 63, 64, 65, 130}), number);
    c.has_labels = random.one_in(2) && c.n_out() > 1;
    c.has_weights = random.one_in(3);
    c.delta_is_difference = random.one_in(2) && can_be_difference(c.network);
    const long n = random.choice({1, 2, 9, 20, 33, 170});  // the last in microbatches
    c.examples = random_examples(random, c, n);
    for (long i = 0; i < 2 * n; ++i) {
        c.order.push_back(random.below(n));
    }
    c.epoch_length = random.choice({n, 2 * n});
    c.batch_size =
        n < 10 ? random.choice({1L, 2L, n, 2 * n + 5}) : random.choice({3L, 7L, 16L, n, 2 * n + 5});
    cut_into_mini_batches(c);
    for (std::int64_t k = 0; k < c.steps(); ++k) {
        c.rates.push_back(random.between(0.001, 0.01));
        c.decays.push_back(random.choice({0.0, 0.0, 0.01}));
    }
    return c;
}

// Sparse inputs with more columns than 16 bits can number.
inline Case wide_case() {
    constexpr long n_in = 65600;
    Random random(0);
    Case c;
    c.kind = InputKind::float64;
    c.sparse = true;
    c.wide_columns = true;
    c.has_labels = true;
    add_layer(random, c.network, n_in, 2, Activation::sigmoid);
    c.examples = random_examples(random, c, 3);
    for (reference::Vector &x : c.examples.x) {
        x.back() = 1;
    }
    set_training(c, 2, 3, 0.5, 0);
    c.decays = {0, 0.1};
    return c;
}

// More rows than one task of an evaluation takes.
inline Case many_rows_case() {
    Random random(5);
    Case c;
    c.kind = InputKind::pixels;
    c.has_weights = true;
    add_layer(random, c.network, 17, 16, Activation::tanh);
    c.network.cost.name = CostName::huber;
    c.examples = random_examples(random, c, 700);
    set_training(c, 3, 300, 0.01, 0);
    std::reverse(c.order.begin(), c.order.end());
    return c;
}

// The same network in a training of many steps.
inline Case many_steps_case() {
    Case c = many_rows_case();
    c.network.optimizer = {
        .rule = Rule::adam, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-2, .clip = -1};
    set_training(c, 200, 10, 0.01, 0);
    return c;
}
