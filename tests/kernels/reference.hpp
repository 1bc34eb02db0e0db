// A slow, independent implementation of the notes' equations, against which the kernels are tested:
// one example, one number at a time, in double.
//
// It shares with the kernels the names of activations, costs and rules and the structures that hold
// their settings, and no code.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "runtime/network.hpp"

namespace reference {

using chainrule::Activation;
using chainrule::Cost;
using chainrule::CostName;
using chainrule::Optimizer;
using chainrule::Rule;

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

// One layer's parameters, or arrays of their shapes.
struct LayerArrays {
    Matrix w;  // w[j][k] leads from unit k of the layer before to unit j
    Vector b;
};

// The same for every layer of a network.
using NetworkArrays = std::vector<LayerArrays>;

struct Network {
    NetworkArrays parameters;
    NetworkArrays slots[2];  // the optimizer's state
    std::vector<Activation> activations;
    Vector dropout;
    Cost cost{};
    double label_smoothing = 0;
    Optimizer optimizer;
    std::uint64_t seed = 0;
    std::int64_t step = 0;  // updates done

    std::size_t n_layers() const { return parameters.size(); }
    long n_in() const { return long(parameters.front().w[0].size()); }
    long n_out() const { return long(parameters.back().b.size()); }
};

struct Examples {
    Matrix x;
    Matrix y;
    Vector weights;
    std::vector<int> classes;

    std::size_t size() const { return x.size(); }
};

// Sums over examples, each times its weight.
struct Totals {
    double cost = 0;
    double correct = 0;
    double weight = 0;
    double undecided = 0;  // the weight of examples whose two largest outputs are nearly equal
};

inline LayerArrays zeros(std::size_t n_out, std::size_t n_in) {
    return {.w = Matrix(n_out, Vector(n_in)), .b = Vector(n_out)};
}

inline NetworkArrays zeros_like(const NetworkArrays &arrays) {
    NetworkArrays result;
    for (const LayerArrays &layer : arrays) {
        result.push_back(zeros(layer.w.size(), layer.w[0].size()));
    }
    return result;
}

// All w, then all b, in one vector, as Session::for_each_layer has them.
inline Vector flatten(const NetworkArrays &arrays) {
    Vector all;
    for (const LayerArrays &layer : arrays) {
        for (const Vector &row : layer.w) {
            all.insert(all.end(), row.begin(), row.end());
        }
    }
    for (const LayerArrays &layer : arrays) {
        all.insert(all.end(), layer.b.begin(), layer.b.end());
    }
    return all;
}

// Every activation of the kernels' list, by its name.
namespace value {

inline double sigmoid(double z) {
    return 1 / (1 + std::exp(-z));
}

inline double tanh(double z) {
    return std::tanh(z);
}

inline double relu(double z) {
    return z > 0 ? z : 0;
}

inline double leaky_relu(double z) {
    return z > 0 ? z : z / 100;
}

inline double identity(double z) {
    return z;
}

inline double exp(double z) {
    return std::exp(z);
}

inline double silu(double z) {
    return z * sigmoid(z);
}

inline double mish(double z) {
    return z * std::tanh(std::log1p(std::exp(z)));
}

constexpr double selu_scale = 1.05070098735548049342;
constexpr double selu_alpha = 1.67326324235437728481;

inline double selu(double z) {
    return selu_scale * (z > 0 ? z : selu_alpha * std::expm1(z));
}

// z Phi(z), Phi the distribution function of the standard normal distribution
inline double gelu(double z) {
    return z * std::erfc(-z / std::sqrt(2.0)) / 2;
}

}  // namespace value

// Their derivatives.
namespace derivative {

inline double sigmoid(double z) {
    return value::sigmoid(z) * (1 - value::sigmoid(z));
}

inline double tanh(double z) {
    return 1 - std::tanh(z) * std::tanh(z);
}

inline double relu(double z) {
    return z > 0 ? 1 : 0;
}

inline double leaky_relu(double z) {
    return z > 0 ? 1 : 0.01;
}

inline double identity(double) {
    return 1;
}

inline double exp(double z) {
    return std::exp(z);
}

inline double silu(double z) {
    return value::sigmoid(z) + z * sigmoid(z);
}

inline double mish(double z) {
    const double t = std::tanh(std::log1p(std::exp(z)));
    return t + z * (1 - t * t) * value::sigmoid(z);
}

inline double selu(double z) {
    return value::selu_scale * (z > 0 ? 1 : value::selu_alpha * std::exp(z));
}

// Phi(z) + z phi(z)
inline double gelu(double z) {
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * M_PI);
    return std::erfc(-z / std::sqrt(2.0)) / 2 + z * density;
}

}  // namespace derivative

inline double elementwise_value(Activation activation, double z) {
    switch (activation) {
#define CHAINRULE_CASE(name) \
    case Activation::name:   \
        return value::name(z);
        CHAINRULE_ELEMENTWISE_ACTIVATIONS(CHAINRULE_CASE)
#undef CHAINRULE_CASE
        case Activation::softmax:
            break;
    }
    return NAN;
}

inline double elementwise_derivative(Activation activation, double z) {
    switch (activation) {
#define CHAINRULE_CASE(name) \
    case Activation::name:   \
        return derivative::name(z);
        CHAINRULE_ELEMENTWISE_ACTIVATIONS(CHAINRULE_CASE)
#undef CHAINRULE_CASE
        case Activation::softmax:
            break;
    }
    return NAN;
}

inline Vector softmax(const Vector &z) {
    Vector a = z;
    double total = 0;
    for (double &v : a) {
        v = std::exp(v);
        total += v;
    }
    for (double &v : a) {
        v /= total;
    }
    return a;
}

// a = sigma(z) of one layer
inline Vector activate(Activation activation, const Vector &z) {
    if (activation == Activation::softmax) {
        return softmax(z);
    }
    Vector a = z;
    for (double &v : a) {
        v = elementwise_value(activation, v);
    }
    return a;
}

// dC/dz of one layer from dC/da
inline Vector pullback(Activation activation, const Vector &z, const Vector &g) {
    Vector delta(z.size());
    const Vector a = activate(activation, z);
    for (std::size_t k = 0; k < z.size(); ++k) {
        if (activation != Activation::softmax) {
            delta[k] = g[k] * elementwise_derivative(activation, z[k]);
            continue;
        }
        for (std::size_t j = 0; j < z.size(); ++j) {
            const double da_dz = a[j] * ((j == k ? 1 : 0) - a[k]);
            delta[k] += g[j] * da_dz;
        }
    }
    return delta;
}

// One output's share of the cost
inline double cost_of(const Cost &cost, double a, double y) {
    const double v = std::fabs(a - y);
    switch (cost.name) {
        case CostName::quadratic:
            return v * v / 2;
        case CostName::mean_squared_error:
            return v * v;
        case CostName::cross_entropy:
            return -y * std::log(a) - (1 - y) * std::log(1 - a);
        case CostName::log_loss:
            return y > 0 ? -y * std::log(a) : 0;
        case CostName::poisson:
            return a - y + (y > 0 ? y * std::log(y / a) : 0);
        case CostName::huber:
            return v <= cost.delta ? v * v / 2 : cost.delta * v - cost.delta * cost.delta / 2;
    }
    return NAN;
}

// dC/da of one output
inline double cost_gradient(const Cost &cost, double a, double y) {
    switch (cost.name) {
        case CostName::quadratic:
            return a - y;
        case CostName::mean_squared_error:
            return 2 * (a - y);
        case CostName::cross_entropy:
            return (1 - y) / (1 - a) - y / a;
        case CostName::log_loss:
            return -y / a;
        case CostName::poisson:
            return 1 - y / a;
        case CostName::huber:
            return std::fabs(a - y) <= cost.delta ? a - y : std::copysign(cost.delta, a - y);
    }
    return NAN;
}

// One example's columns, clipped smoothly at their limits, then for each bin of each column the
// fraction of it that lies below the number; each feature times its size.
inline Vector input_features(const Vector &columns, const Matrix &edges, const Vector &limits,
                             const Vector &sizes) {
    Vector features;
    for (std::size_t j = 0; j < columns.size(); ++j) {
        features.push_back(columns[j] / std::hypot(1, columns[j] / limits[j]));
    }
    for (std::size_t j = 0; j < columns.size(); ++j) {
        for (std::size_t k = 1; k < edges[j].size(); ++k) {
            const double fraction =
                (columns[j] - edges[j][k - 1]) / (edges[j][k] - edges[j][k - 1]);
            features.push_back(std::clamp(fraction, 0.0, 1.0));
        }
    }
    for (std::size_t k = 0; k < features.size(); ++k) {
        features[k] *= sizes[k];
    }
    return features;
}

// The targets of a step: a part of each is moved to the target that favours no class.
inline Vector smoothed(const Network &network, const Vector &y) {
    const bool one_distribution = network.cost.name == CostName::log_loss;
    const double uniform = one_distribution ? 1 / double(y.size()) : 0.5;
    Vector result = y;
    for (double &value : result) {
        value += network.label_smoothing * (uniform - value);
    }
    return result;
}

// Philox4x32-7 (Salmon, Moraes, Dror and Shaw 2011)
inline std::vector<std::uint32_t> philox(std::vector<std::uint32_t> counter, std::uint32_t key0,
                                         std::uint32_t key1) {
    for (int round = 0; round < 7; ++round) {
        const std::uint64_t left = std::uint64_t(counter[0]) * 0xD2511F53;
        const std::uint64_t right = std::uint64_t(counter[2]) * 0xCD9E8D57;
        counter = {std::uint32_t(right >> 32) ^ counter[1] ^ key0, std::uint32_t(right),
                   std::uint32_t(left >> 32) ^ counter[3] ^ key1, std::uint32_t(left)};
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return counter;
}

// Dropout's factor of one unit, for one row of the mini-batch of this step
inline double dropout_factor(const Network &network, std::size_t layer, std::uint64_t row,
                             std::uint64_t unit) {
    const double p = std::round(network.dropout[layer] * 65536) / 65536;
    if (p == 0) {
        return 1;
    }
    const std::uint64_t blocks = (network.parameters[layer].b.size() + 15) / 16 * 2;
    const auto step = std::uint64_t(network.step);
    const auto words = philox({std::uint32_t(row * blocks + unit / 8), std::uint32_t(layer),
                               std::uint32_t(step), std::uint32_t(step >> 32)},
                              std::uint32_t(network.seed), std::uint32_t(network.seed >> 32));
    const std::uint32_t word = words[unit % 8 / 2];
    const std::uint32_t half = unit % 2 == 1 ? word >> 16 : word & 0xFFFF;
    return half < p * 65536 ? 0 : 1 / (1 - p);
}

// A row that is not part of a mini-batch: without dropout.
constexpr long no_row = -1;

// z of every layer for one example, and what enters every layer and leaves the last: `inputs` has
// one entry more. `row`: the example's place in the mini-batch, for dropout.
struct Activity {
    Matrix z;
    Matrix inputs;
};

inline Activity feedforward(const Network &network, const Vector &x, long row) {
    Activity activity{.z = {}, .inputs = {x}};
    for (std::size_t l = 0; l < network.n_layers(); ++l) {
        const LayerArrays &layer = network.parameters[l];
        const Vector &input = activity.inputs[l];
        Vector z = layer.b;
        for (std::size_t j = 0; j < z.size(); ++j) {
            for (std::size_t k = 0; k < input.size(); ++k) {
                z[j] += layer.w[j][k] * input[k];
            }
        }
        Vector a = activate(network.activations[l], z);
        for (std::size_t j = 0; row != no_row && j < a.size(); ++j) {
            a[j] *= dropout_factor(network, l, std::uint64_t(row), j);
        }
        activity.z.push_back(z);
        activity.inputs.push_back(a);
    }
    return activity;
}

// Adds the totals of example i, whose outputs are `a` and whose targets are `y`.
inline void add_example(const Network &network, const Examples &examples, std::int64_t i,
                        const Vector &a, const Vector &y, Totals &totals) {
    constexpr double nearly_equal = 1e-4;
    const int wanted = examples.classes[i];
    double cost = 0;
    double output_of_class = -INFINITY;
    double largest_other = -INFINITY;
    for (std::size_t j = 0; j < a.size(); ++j) {
        cost += cost_of(network.cost, a[j], y[j]);
        double &largest = int(j) == wanted ? output_of_class : largest_other;
        largest = std::max(largest, a[j]);
    }
    if (a.size() == 1) {
        output_of_class = wanted == 1 ? a[0] : 0.5;
        largest_other = wanted == 1 ? 0.5 : a[0];
    }
    const double weight = examples.weights[i];
    totals.cost += weight * cost;
    totals.correct += output_of_class > largest_other ? weight : 0;
    totals.weight += weight;
    if (std::fabs(output_of_class - largest_other) < nearly_equal) {
        totals.undecided += weight;
    }
}

// BP1 to BP4 of one example, added to `gradient`; its totals, added to `totals`.
inline void backprop(const Network &network, const Examples &examples, std::int64_t i, long row,
                     NetworkArrays &gradient, Totals &totals) {
    const Activity activity = feedforward(network, examples.x[i], row);
    const Vector &outputs = activity.inputs.back();
    const Vector y = smoothed(network, examples.y[i]);
    add_example(network, examples, i, outputs, y, totals);
    Vector g = outputs;  // dC/da of the layer at hand
    for (std::size_t j = 0; j < g.size(); ++j) {
        g[j] = cost_gradient(network.cost, outputs[j], y[j]);
    }
    for (std::size_t l = network.n_layers(); l-- > 0;) {
        const LayerArrays &layer = network.parameters[l];
        const Vector &input = activity.inputs[l];
        for (std::size_t j = 0; row != no_row && j < g.size(); ++j) {
            g[j] *= dropout_factor(network, l, std::uint64_t(row), j);
        }
        const Vector delta = pullback(network.activations[l], activity.z[l], g);  // (BP1), (BP2)
        g.assign(input.size(), 0);
        for (std::size_t j = 0; j < delta.size(); ++j) {
            gradient[l].b[j] += examples.weights[i] * delta[j];  // (BP3)
            for (std::size_t k = 0; k < input.size(); ++k) {
                gradient[l].w[j][k] += examples.weights[i] * delta[j] * input[k];  // (BP4)
                g[k] += layer.w[j][k] * delta[j];
            }
        }
    }
}

// One example's outputs, without dropout.
inline Vector outputs_of(const Network &network, const Vector &x) {
    return feedforward(network, x, no_row).inputs.back();
}

struct Evaluation {
    Vector outputs;          // (n, n_out)
    Totals totals;           // with the true targets
    Totals gradient_totals;  // with those of the gradient, which are smoothed
    NetworkArrays gradient;
};

// Outputs, totals and gradient over all examples, without dropout.
inline Evaluation evaluate(const Network &network, const Examples &examples) {
    Evaluation evaluation{.outputs = {},
                          .totals = {},
                          .gradient_totals = {},
                          .gradient = zeros_like(network.parameters)};
    for (std::size_t i = 0; i < examples.size(); ++i) {
        const Vector a = outputs_of(network, examples.x[i]);
        evaluation.outputs.insert(evaluation.outputs.end(), a.begin(), a.end());
        add_example(network, examples, std::int64_t(i), a, examples.y[i], evaluation.totals);
        backprop(network, examples, std::int64_t(i), no_row, evaluation.gradient,
                 evaluation.gradient_totals);
    }
    return evaluation;
}

inline double sign(double v) {
    return (v > 0 ? 1 : 0) - (v < 0 ? 1 : 0);
}

// One parameter p and its slots s0, s1 after a step with the mean gradient g; `t` counts from 1.
inline void step_parameter(const Optimizer &o, double &p, double g, double &s0, double &s1,
                           double rate, double t) {
    switch (o.rule) {
        case Rule::sgd:
            p -= rate * g;
            break;
        case Rule::momentum:
            s0 = o.momentum * s0 - rate * g;
            p += s0;
            break;
        case Rule::nesterov:
            s0 = o.momentum * s0 - rate * g;
            p += o.momentum * s0 - rate * g;
            break;
        case Rule::adam: {
            s0 = o.beta1 * s0 + (1 - o.beta1) * g;
            s1 = o.beta2 * s1 + (1 - o.beta2) * g * g;
            const double m = s0 / (1 - std::pow(o.beta1, t));
            const double correction = 1 - std::pow(o.beta2, t);
            const double root = o.epsilon_on_raw
                                    ? (std::sqrt(s1) + o.epsilon) / std::sqrt(correction)
                                    : std::sqrt(s1 / correction) + o.epsilon;
            p -= rate * m / root;
            break;
        }
        case Rule::rmsprop:
            s0 = o.beta2 * s0 + (1 - o.beta2) * g * g;
            p -= rate * g / (std::sqrt(s0) + o.epsilon);
            break;
        case Rule::lion:
            p -= rate * sign(o.beta1 * s0 + (1 - o.beta1) * g);
            s0 = o.beta2 * s0 + (1 - o.beta2) * g;
            break;
    }
}

inline double sum_of_squares(const Vector &numbers) {
    double sum = 0;
    for (const double v : numbers) {
        sum += v * v;
    }
    return sum;
}

// The sum of all squared weights, biases apart.
inline double squared_weights(const Network &network) {
    double sum = 0;
    for (const LayerArrays &layer : network.parameters) {
        for (const Vector &row : layer.w) {
            sum += sum_of_squares(row);
        }
    }
    return sum;
}

// One mini-batch of m rows: its gradient, clipped and with the penalties, and the step    (N12)
inline Totals step(Network &network, const Examples &examples, const std::int64_t *rows, long m,
                   double rate, double l2) {
    const Optimizer &o = network.optimizer;
    NetworkArrays gradient = zeros_like(network.parameters);
    Totals totals;
    for (long row = 0; row < m; ++row) {
        backprop(network, examples, rows[row], row, gradient, totals);
    }
    network.step += 1;
    if (totals.weight == 0) {
        return totals;
    }
    const double norm = std::sqrt(sum_of_squares(flatten(gradient))) / totals.weight;
    const double clip = o.clip >= 0 && norm > o.clip ? o.clip / norm : 1;
    const double scale = clip / totals.weight;
    const double t = double(network.step);
    for (std::size_t l = 0; l < network.n_layers(); ++l) {
        LayerArrays &layer = network.parameters[l];
        LayerArrays &slot0 = network.slots[0][l];
        LayerArrays &slot1 = network.slots[1][l];
        for (std::size_t j = 0; j < layer.b.size(); ++j) {
            step_parameter(o, layer.b[j], scale * gradient[l].b[j], slot0.b[j], slot1.b[j], rate,
                           t);
            for (std::size_t k = 0; k < layer.w[j].size(); ++k) {
                double &w = layer.w[j][k];
                const double g = scale * gradient[l].w[j][k] + l2 * w + o.l1 * sign(w);
                w *= 1 - rate * o.weight_decay;
                step_parameter(o, w, g, slot0.w[j][k], slot1.w[j][k], rate, t);
            }
        }
    }
    return totals;
}

}  // namespace reference
