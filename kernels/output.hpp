// The output layer of one example: its cost, whether it is right, and BP1.
#pragma once
#include "activations.hpp"

namespace chainrule::ISA {

template <class T>
constexpr T rounding = sizeof(T) == 4 ? T(1.1920928955078125e-07) : T(2.220446049250313e-16);
template <class T>
constexpr T rate_floor = sizeof(T) == 4 ? T(1.0842021724855044e-19) : T(1.4916681462400413e-154);  // sqrt of the least normal

template <class T>
static inline T inside(T a) {
    return a < rounding<T> ? rounding<T> : a > 1 - rounding<T> ? 1 - rounding<T> : a;
}
template <class T>
static inline T above_0(T a) {
    return a < rate_floor<T> ? rate_floor<T> : a;
}

template <class T>
static inline double target(const Data &data, std::int64_t row, int o, int n_out) {
    return data.labels ? double(data.labels[row] == o) : double(T(data.targets[row * n_out + o]));
}

template <class T>
static double cost_of(Cost cost, const T *a, const Data &data, std::int64_t row, int n_out) {
    double sum = 0;
    if (cost == Cost::log_loss && data.labels) return -__builtin_log(double(inside(a[data.labels[row]])));
    for (int o = 0; o < n_out; ++o) {
        const double y = target<T>(data, row, o, n_out), out = a[o], p = inside(a[o]);
        switch (cost) {
            case Cost::quadratic: sum += (out - y) * (out - y) / 2; break;
            case Cost::mean_squared_error: sum += (out - y) * (out - y); break;
            case Cost::cross_entropy: sum -= (y ? y * __builtin_log(p) : 0) + (y != 1 ? (1 - y) * __builtin_log1p(-p) : 0); break;
            case Cost::log_loss: sum -= y ? y * __builtin_log(p) : 0 * p; break;
            case Cost::poisson: sum += out - y + (y ? y * __builtin_log(y / double(above_0(a[o]))) : 0); break;
        }
    }
    return sum;
}

template <class T>
static bool is_right(const T *a, const Data &data, std::int64_t row, int n_out) {
    if (n_out == 1) return (a[0] > T(0.5)) == bool(data.classes[row]);
    int best = 0;
    for (int o = 1; o < n_out; ++o)
        if (a[o] > a[best] || (a[o] != a[o] && a[best] == a[best])) best = o;  // as NumPy: the first of the largest, NaN above all
    return best == data.classes[row];
}

// delta = dC/da * sigma'(z), or a - y where the derivative cancels                                                             (BP1)
template <class T>
static void output_delta(const Net<T> &net, const Layer<T> &layer, const T *a, T *delta, const Data &data, std::int64_t row) {
    T along = 0;
    for (int o = 0; o < layer.n_out; ++o) {
        const T y = T(target<T>(data, row, o, layer.n_out)), error = a[o] - y;
        delta[o] = error;
        if (net.collapses) continue;
        switch (net.cost) {
            case Cost::quadratic: break;
            case Cost::mean_squared_error: delta[o] = 2 * error; break;
            case Cost::cross_entropy: delta[o] = error / (inside(a[o]) * (1 - inside(a[o]))); break;
            case Cost::log_loss: delta[o] = -y / inside(a[o]); break;
            case Cost::poisson: delta[o] = 1 - y / above_0(a[o]); break;
        }
        along += delta[o] * a[o];
    }
    for (long o = layer.n_out; o < layer.ld; ++o) delta[o] = 0;
    if (net.collapses) return;
    if (layer.activation == Activation::softmax)
        for (int o = 0; o < layer.n_out; ++o) delta[o] = a[o] * (delta[o] - along);
    else
        pull_back(layer.activation, delta, a, layer.ld);
}

}  // namespace chainrule::ISA
