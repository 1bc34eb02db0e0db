// The notes once more, as plainly as they can be said, to judge the kernels by: one example, one number at a time, in double. Nothing is
// shared with the kernels but the names of activations, costs and rules.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "net.hpp"

namespace plain {

using chainrule::Activation;
using chainrule::Cost;
using chainrule::Rule;
using Row = std::vector<double>;
using Matrix = std::vector<Row>;  // w[j][k] leads from unit k of the layer before to unit j

struct Layer {
    Matrix w, slots_w[2];
    Row b, slots_b[2];
    Activation activation;
    double dropout;
};

struct Optimizer {
    Rule rule;
    double momentum, beta1, beta2, epsilon, shrink, l1, clip;  // beta2 is RMSprop's rho; clip < 0 for none
    bool epsilon_on_raw;
};

struct Net {
    std::vector<Layer> layers;
    Cost cost;
    Optimizer optimizer;
    std::uint64_t seed;
    std::int64_t step;
};

struct Examples {
    Matrix x, y;
    Row weights;
    std::vector<int> classes;
};

struct Sums {
    double cost = 0, right = 0, total = 0, doubtful = 0;  // doubtful: the weight of rows whose two best outputs are nearly one
};

// Of each layer, shaped as the parameters
struct Gradient {
    std::vector<Matrix> w;
    Matrix b;
};

inline Row activate(Activation f, const Row &z) {
    Row a = z;
    double total = 0;
    for (double &v : a) {
        if (f == Activation::sigmoid) v = 1 / (1 + std::exp(-v));
        if (f == Activation::tanh) v = std::tanh(v);
        if (f == Activation::relu) v = v > 0 ? v : 0;
        if (f == Activation::leaky_relu) v = v > 0 ? v : v / 100;
        if (f == Activation::exp || f == Activation::softmax) v = std::exp(v);
        total += v;
    }
    if (f == Activation::softmax)
        for (double &v : a) v /= total;
    return a;
}

// da_j / dz_k
inline double slope(Activation f, const Row &z, const Row &a, std::size_t j, std::size_t k) {
    if (f == Activation::softmax) return a[j] * ((j == k) - a[k]);
    if (j != k) return 0;
    if (f == Activation::sigmoid) return a[j] * (1 - a[j]);
    if (f == Activation::tanh) return 1 - a[j] * a[j];
    if (f == Activation::relu) return z[j] > 0 ? 1 : 0;
    if (f == Activation::leaky_relu) return z[j] > 0 ? 1 : 0.01;
    return f == Activation::exp ? a[j] : 1;
}

inline double cost_of(Cost cost, double a, double y) {
    switch (cost) {
        case Cost::quadratic: return (y - a) * (y - a) / 2;
        case Cost::mean_squared_error: return (y - a) * (y - a);
        case Cost::cross_entropy: return -y * std::log(a) - (1 - y) * std::log(1 - a);
        case Cost::log_loss: return y > 0 ? -y * std::log(a) : 0;
        case Cost::poisson: return a - y + (y > 0 ? y * std::log(y / a) : 0);
    }
    return NAN;
}

// dC/da
inline double cost_slope(Cost cost, double a, double y) {
    switch (cost) {
        case Cost::quadratic: return a - y;
        case Cost::mean_squared_error: return 2 * (a - y);
        case Cost::cross_entropy: return (1 - y) / (1 - a) - y / a;
        case Cost::log_loss: return -y / a;
        case Cost::poisson: return 1 - y / a;
    }
    return NAN;
}

// Philox4x64-10 (Salmon, Moraes, Dror and Shaw 2011)
inline std::vector<std::uint64_t> philox(std::vector<std::uint64_t> c, std::uint64_t k0, std::uint64_t k1) {
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B97F4A7C15, k1 += 0xBB67AE8584CAA73B) {
        const auto left = static_cast<unsigned __int128>(c[0]) * 0xD2E7470EE14C6C93;
        const auto right = static_cast<unsigned __int128>(c[2]) * 0xCA5A826395121157;
        c = {std::uint64_t(right >> 64) ^ c[1] ^ k0, std::uint64_t(right), std::uint64_t(left >> 64) ^ c[3] ^ k1, std::uint64_t(left)};
    }
    return c;
}

// What dropout multiplies a unit of a mini-batch's row with
inline double mask(const Net &net, std::size_t layer, std::uint64_t row, std::uint64_t unit) {
    const double p = net.layers[layer].dropout;
    if (p == 0) return 1;
    const std::uint64_t blocks = (net.layers[layer].b.size() + 7) / 8;
    const std::uint64_t word = philox({row * blocks + unit / 8 + 1, layer, std::uint64_t(net.step), 0}, net.seed, 0x64726F706F7574)[unit % 8 / 2];
    return double(unit % 2 ? word >> 32 : word & 0xFFFFFFFF) < std::round(p * 4294967296) ? 0 : 1 / (1 - p);
}

// Page 4's lists of one example: zs, and activations with the input first; after dropout where `row` is one of a mini-batch, not -1.
inline void feedforward(const Net &net, const Row &x, long row, Matrix &zs, Matrix &activations) {
    zs.clear();
    activations = {x};
    for (std::size_t l = 0; l < net.layers.size(); ++l) {
        const Layer &layer = net.layers[l];
        Row z = layer.b;
        for (std::size_t j = 0; j < z.size(); ++j)
            for (std::size_t k = 0; k < activations[l].size(); ++k) z[j] += layer.w[j][k] * activations[l][k];
        Row a = activate(layer.activation, z);
        for (std::size_t j = 0; row >= 0 && j < a.size(); ++j) a[j] *= mask(net, l, row, j);
        zs.push_back(z);
        activations.push_back(a);
    }
}

inline void judge(const Net &net, const Examples &examples, std::int64_t i, const Row &a, Sums &sums) {
    double cost = 0, best = -INFINITY, rest = -INFINITY;
    for (std::size_t j = 0; j < a.size(); ++j) {
        cost += cost_of(net.cost, a[j], examples.y[i][j]);
        if (int(j) == examples.classes[i]) best = a[j];
        else rest = std::max(rest, a[j]);
    }
    if (a.size() == 1) {
        best = examples.classes[i] ? a[0] : 0.5;
        rest = examples.classes[i] ? 0.5 : a[0];
    }
    const double weight = examples.weights[i];
    sums.cost += weight * cost;
    sums.right += best > rest ? weight : 0;
    sums.total += weight;
    if (std::fabs(best - rest) < 1e-4) sums.doubtful += weight;
}

inline Gradient zeros(const Net &net) {
    Gradient g;
    for (const Layer &layer : net.layers) {
        g.w.push_back(Matrix(layer.w.size(), Row(layer.w[0].size())));
        g.b.push_back(Row(layer.b.size()));
    }
    return g;
}

// BP1 to BP4 of one example, added to what is there
inline void backprop(const Net &net, const Examples &examples, std::int64_t i, long row, Gradient &gradient, Sums &sums) {
    Matrix zs, as;
    feedforward(net, examples.x[i], row, zs, as);
    judge(net, examples, i, as.back(), sums);
    Row g = as.back();  // dC/da of the layer at hand
    for (std::size_t j = 0; j < g.size(); ++j) g[j] = cost_slope(net.cost, as.back()[j], examples.y[i][j]);
    for (std::size_t l = net.layers.size(); l-- > 0;) {
        const Layer &layer = net.layers[l];
        const Row a = activate(layer.activation, zs[l]);
        Row delta(a.size()), before(as[l].size());
        for (std::size_t k = 0; k < delta.size(); ++k)  // (BP1), (BP2)
            for (std::size_t j = 0; j < delta.size(); ++j)
                if (j == k || layer.activation == Activation::softmax)
                    delta[k] += g[j] * (row >= 0 ? mask(net, l, row, j) : 1) * slope(layer.activation, zs[l], a, j, k);
        for (std::size_t j = 0; j < delta.size(); ++j) {
            gradient.b[l][j] += examples.weights[i] * delta[j];  // (BP3)
            for (std::size_t k = 0; k < before.size(); ++k) {
                gradient.w[l][j][k] += examples.weights[i] * delta[j] * as[l][k];  // (BP4)
                before[k] += layer.w[j][k] * delta[j];
            }
        }
        g = before;
    }
}

// One parameter's step
inline void move(const Optimizer &o, double &p, double g, double &s0, double &s1, double rate, double t) {
    switch (o.rule) {
        case Rule::sgd: p -= rate * g; break;
        case Rule::momentum: p += s0 = o.momentum * s0 - rate * g; break;
        case Rule::nesterov:
            s0 = o.momentum * s0 - rate * g;
            p += o.momentum * s0 - rate * g;
            break;
        case Rule::adam: {
            s0 = o.beta1 * s0 + (1 - o.beta1) * g;
            s1 = o.beta2 * s1 + (1 - o.beta2) * g * g;
            const double m = s0 / (1 - std::pow(o.beta1, t)), left = 1 - std::pow(o.beta2, t);
            p -= rate * m / (o.epsilon_on_raw ? (std::sqrt(s1) + o.epsilon) / std::sqrt(left) : std::sqrt(s1 / left) + o.epsilon);
            break;
        }
        case Rule::rmsprop:
            s0 = o.beta2 * s0 + (1 - o.beta2) * g * g;
            p -= rate * g / (std::sqrt(s0) + o.epsilon);
            break;
    }
}

// One mini-batch: its gradient, clipped and with the penalties, and the step (N12)
inline Sums step(Net &net, const Examples &examples, const std::int64_t *rows, long m, double rate, double l2) {
    const Optimizer &o = net.optimizer;
    Gradient g = zeros(net);
    Sums sums;
    for (long row = 0; row < m; ++row) backprop(net, examples, rows[row], row, g, sums);
    net.step += 1;
    if (sums.total == 0) return sums;
    double squares = 0;
    for (std::size_t l = 0; l < net.layers.size(); ++l)
        for (std::size_t j = 0; j < g.b[l].size(); ++j) {
            squares += g.b[l][j] * g.b[l][j];
            for (double v : g.w[l][j]) squares += v * v;
        }
    const double norm = std::sqrt(squares) / sums.total, share = (o.clip >= 0 && norm > o.clip ? o.clip / norm : 1) / sums.total;
    for (std::size_t l = 0; l < net.layers.size(); ++l) {
        Layer &layer = net.layers[l];
        for (std::size_t j = 0; j < layer.b.size(); ++j) {
            move(o, layer.b[j], share * g.b[l][j], layer.slots_b[0][j], layer.slots_b[1][j], rate, double(net.step));
            for (std::size_t k = 0; k < layer.w[j].size(); ++k) {
                double &w = layer.w[j][k];
                const double penalized = share * g.w[l][j][k] + l2 * w + o.l1 * ((w > 0) - (w < 0));
                w *= 1 - rate * o.shrink;
                move(o, w, penalized, layer.slots_w[0][j][k], layer.slots_w[1][j][k], rate, double(net.step));
            }
        }
    }
    return sums;
}

}  // namespace plain
