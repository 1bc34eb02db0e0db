// What a step does with a layer's gradient; the rules of calculus/optimizers.py, over whole vectors.
#pragma once
#include "simd.hpp"

namespace chainrule::ISA {

#if VECTOR_BYTES == 64 && defined(__AVX512F__)
// An estimate of 1/root to 14 bits and Newton's steps: within 2 ulps, and the divider is left to the division.
static inline Vec<float> inverse_root(Vec<float> v) { return __builtin_ia32_rsqrt14ps512_mask(v, Vec<float>{}, 0xFFFF); }
static inline Vec<double> inverse_root(Vec<double> v) {
    const Vec<double> y = __builtin_ia32_rsqrt14pd512_mask(v, Vec<double>{}, 0xFF);
    return y + (0.5 * y) * (1 - v * y * y);
}
static inline Vec<T> root_of(Vec<T> v) {
    const Vec<T> y = inverse_root(v), r = v * y, better = r + (T(0.5) * y) * (v - r * r);
    return ((v > 0) & (v < T(__builtin_inf()))) ? better : v;  // 0, inf and NaN are their own roots
}
#else
static inline Vec<T> root_of(Vec<T> v) {
    Vec<T> r;
    for (int i = 0; i < lanes<T>; ++i) r[i] = sizeof(T) == 4 ? T(__builtin_sqrtf(float(v[i]))) : T(__builtin_sqrt(double(v[i])));
    return r;
}
#endif

// The numbers of one step, settled before the loop over parameters.
struct Step {
    T share, rate, size, epsilon, keep;  // 1/m (times the clip's factor); eta; Adam's corrected eta; epsilon; 1 - eta * shrink
    T l1, l2;
};

static Step settle(const Optimizer &o, double rate, double decay, double share, std::int64_t t) {
    Step s{T(share), T(rate), T(rate), T(o.epsilon), T(1 - rate * o.shrink), T(o.l1), T(decay)};
    if (o.rule == Rule::adam) {
        const double correction = __builtin_sqrt(1 - __builtin_pow(o.beta2, double(t)));
        s.size = T(rate * correction / (1 - __builtin_pow(o.beta1, double(t))));
        if (!o.epsilon_on_raw) s.epsilon = T(o.epsilon * correction);
    }
    if (s.epsilon < least_normal<T>) s.epsilon = least_normal<T>;  // 0 over it is 0
    return s;
}

template <Rule R>
static void update_as(const Optimizer &o, const Step &s, T *w, const T *gradient, T *slot0, T *slot1, long count, bool penalized) {
    const T mu = T(o.momentum), beta1 = T(o.beta1), beta2 = T(o.beta2), rest1 = T(1 - o.beta1), rest2 = T(1 - o.beta2);
    for (long i = 0; i < count; i += lanes<T>) {
        Vec<T> p = load(w + i), g = load(gradient + i) * s.share;
        if (penalized) {
            g += s.l2 * p;
            g += s.l1 * (p > T(0) ? all<T>(1) : p < T(0) ? all<T>(-1) : Vec<T>{});
            p *= s.keep;
        }
        if constexpr (R == Rule::sgd) {
            p -= s.rate * g;  // g is a mean by now: w - eta (1/m) nabla_w (N12)
        } else if constexpr (R == Rule::momentum || R == Rule::nesterov) {
            const Vec<T> move = -s.rate * g, velocity = mu * load(slot0 + i) + move;
            store(slot0 + i, velocity);
            p += R == Rule::nesterov ? mu * velocity + move : velocity;
        } else if constexpr (R == Rule::adam) {
            const Vec<T> m = beta1 * load(slot0 + i) + rest1 * g, v = beta2 * load(slot1 + i) + rest2 * (g * g);
            store(slot0 + i, m);
            store(slot1 + i, v);
            p -= s.size * m / (root_of(v) + s.epsilon);
        } else {
            const Vec<T> v = beta2 * load(slot0 + i) + rest2 * (g * g);
            store(slot0 + i, v);
            p -= s.rate * g / (root_of(v) + s.epsilon);
        }
        store(w + i, p);
    }
}

// Whether a step moves every weight, whatever its gradient
static inline bool reaches_all(const Optimizer &o, double decay) { return decay != 0 || o.l1 != 0 || o.shrink != 0; }

// Step `count` parameters from `at` on; the gradient is given from there on.
static void update(const Optimizer &o, const Step &s, T *w, T *const *slots, long at, const T *gradient, long count, bool penalized) {
    T *slot0 = slots[0] ? slots[0] + at : nullptr, *slot1 = slots[1] ? slots[1] + at : nullptr;
    one_of<Rule::sgd, Rule::momentum, Rule::nesterov, Rule::adam, Rule::rmsprop>(o.rule, [&]<Rule R>() {
        update_as<R>(o, s, w + at, gradient, slot0, slot1, count, penalized);
    });
}

}  // namespace chainrule::ISA
