// Each optimizer's step over whole vectors: the C++ form of calculus/optimizers.py.
//
// The list comes first; the binding tells its names to Python, and optimizers cross from Python by
// name, with their settings by name. To add an optimizer: add its name to the list, its settings to
// `optimizer_from`, its rule to `Rule`, `slots_of` and `step_vector`.
#pragma once
#include <cstdint>

#define CHAINRULE_OPTIMIZERS(X) \
    X(sgd)                      \
    X(adam)                     \
    X(adamw)                    \
    X(rmsprop)                  \
    X(lion)

namespace chainrule {

#define CHAINRULE_ENUMERATOR(name) name,
enum class OptimizerName : int { CHAINRULE_OPTIMIZERS(CHAINRULE_ENUMERATOR) };
#undef CHAINRULE_ENUMERATOR

// The formula of a step. One optimizer may have several rules, as sgd has.
enum class Rule : int { sgd, momentum, nesterov, adam, rmsprop, lion };

// The constant settings of a step. The learning rate and the L2 decay change from step to step, and
// are passed separately.
struct Optimizer {
    Rule rule = Rule::sgd;
    double momentum = 0;  // mu
    double beta1 = 0;
    double beta2 = 0;  // rho of RMSprop
    double epsilon = 0;
    bool epsilon_on_raw = false;  // Adam's epsilon is added to sqrt(v), not to the corrected root
    double weight_decay = 0;      // decoupled: w <- (1 - eta weight_decay) w before the step
    double l1 = 0;
    double clip = -1;  // largest norm of the mean gradient; negative for none
};

// Arrays of a parameter's shape that the rule keeps from step to step.
static constexpr int slots_of(Rule rule) {
    switch (rule) {
        case Rule::sgd:
            return 0;
        case Rule::adam:
            return 2;
        default:
            return 1;
    }
}

// An optimizer from its name and a source of settings: `settings.number("beta1")`,
// `settings.text("epsilon_on")`.
template <class Settings>
static Optimizer optimizer_from(OptimizerName name, const Settings &settings) {
    switch (name) {
        case OptimizerName::sgd: {
            const double momentum = settings.number("momentum");
            const bool nesterov = settings.number("nesterov") != 0;
            const Rule with_momentum = nesterov ? Rule::nesterov : Rule::momentum;
            return {.rule = momentum == 0 ? Rule::sgd : with_momentum, .momentum = momentum};
        }
        case OptimizerName::adam:
        case OptimizerName::adamw:
            return {
                .rule = Rule::adam,
                .beta1 = settings.number("beta1"),
                .beta2 = settings.number("beta2"),
                .epsilon = settings.number("epsilon"),
                .epsilon_on_raw = settings.text("epsilon_on") == "raw",
                .weight_decay =
                    name == OptimizerName::adamw ? settings.number("weight_decay") : 0.0,
            };
        case OptimizerName::rmsprop:
            return {
                .rule = Rule::rmsprop,
                .beta2 = settings.number("rho"),
                .epsilon = settings.number("epsilon"),
            };
        case OptimizerName::lion:
            return {
                .rule = Rule::lion,
                .beta1 = settings.number("beta1"),
                .beta2 = settings.number("beta2"),
                .weight_decay = settings.number("weight_decay"),
            };
    }
    return {};
}

// Whether steps are plain, without clip, L1 or weight decay. Then the step of a sparse first layer
// changes only the rows of W that the mini-batch uses, and L2 decay changes one number that scales
// W.
static inline bool steps_in_place(const Optimizer &optimizer) {
    return optimizer.rule == Rule::sgd && optimizer.l1 == 0 && optimizer.weight_decay == 0 &&
           optimizer.clip < 0;
}

// Whether a step with this L2 decay moves every weight, whatever its gradient.
static inline bool moves_every_weight(const Optimizer &optimizer, double decay) {
    return decay != 0 || optimizer.l1 != 0 || optimizer.weight_decay != 0;
}

}  // namespace chainrule

#ifdef ISA
#include "calculus/costs.hpp"
#include "linalg/simd.hpp"

namespace chainrule::ISA {

#if VECTOR_BYTES == 64 && defined(__AVX512F__)
// 1 / sqrt(v): an estimate to 14 bits, and in double one step of Newton's method.
static inline Vec<float> estimate_inverse_root(Vec<float> v) {
    return __builtin_ia32_rsqrt14ps512_mask(v, Vec<float>{}, 0xFFFF);
}

static inline Vec<double> estimate_inverse_root(Vec<double> v) {
    const Vec<double> y = __builtin_ia32_rsqrt14pd512_mask(v, Vec<double>{}, 0xFF);
    return y + (0.5 * y) * (1 - v * y * y);
}

// sqrt(v) within 2 ulps by one more step of Newton's method: the divider, which a square root would
// occupy, is left to Adam's division. 0, inf and NaN are their own roots.
static inline Vec<T> square_root(Vec<T> v) {
    const Vec<T> y = estimate_inverse_root(v);
    const Vec<T> r = v * y;
    const Vec<T> refined = r + (T(0.5) * y) * (v - r * r);
    return ((v > 0) & (v < T(__builtin_inf()))) ? refined : v;
}
#else
static inline Vec<T> square_root(Vec<T> v) {
    Vec<T> root;
    for (int i = 0; i < lanes<T>; ++i) {
        root[i] =
            sizeof(T) == 4 ? T(__builtin_sqrtf(float(v[i]))) : T(__builtin_sqrt(double(v[i])));
    }
    return root;
}
#endif

// The scalars of one step, computed once before the loops over parameters.
struct StepScalars {
    T gradient_scale;  // 1/m, times the clip's factor: from sums to the (clipped) mean gradient
    T rate;            // eta
    T adam_rate;       // eta with Adam's bias corrections
    T epsilon;
    T mu;
    T beta1;
    T one_minus_beta1;
    T beta2;
    T one_minus_beta2;
    T keep;  // 1 - eta weight_decay
    T l1;
    T l2;
};

// `t` counts the updates from 1.
static StepScalars step_scalars(const Optimizer &optimizer, double rate, double decay,
                                double gradient_scale, std::int64_t t) {
    StepScalars scalars{
        .gradient_scale = T(gradient_scale),
        .rate = T(rate),
        .adam_rate = T(rate),
        .epsilon = T(optimizer.epsilon),
        .mu = T(optimizer.momentum),
        .beta1 = T(optimizer.beta1),
        .one_minus_beta1 = T(1 - optimizer.beta1),
        .beta2 = T(optimizer.beta2),
        .one_minus_beta2 = T(1 - optimizer.beta2),
        .keep = T(1 - rate * optimizer.weight_decay),
        .l1 = T(optimizer.l1),
        .l2 = T(decay),
    };
    if (optimizer.rule == Rule::adam) {
        const double root = __builtin_sqrt(1 - __builtin_pow(optimizer.beta2, double(t)));
        scalars.adam_rate = T(rate * root / (1 - __builtin_pow(optimizer.beta1, double(t))));
        if (!optimizer.epsilon_on_raw) {
            scalars.epsilon = T(optimizer.epsilon * root);
        }
    }
    if (scalars.epsilon < smallest_normal<T>) {
        scalars.epsilon = smallest_normal<T>;  // so that 0 / (0 + epsilon) is 0
    }
    return scalars;
}

// Adds the penalties' gradients, l2 w and l1 sign(w), and applies the decoupled decay.
static inline void penalize(const StepScalars &scalars, Vec<T> &w, Vec<T> &g) {
    g += scalars.l2 * w;
    g += scalars.l1 * (w > T(0) ? broadcast<T>(1) : w < T(0) ? broadcast<T>(-1) : Vec<T>{});
    w *= scalars.keep;
}

// One vector of parameters after a step; `g` is its mean gradient. The slots are updated at `i`.
template <Rule R>
static inline Vec<T> step_vector(const StepScalars &s, Vec<T> w, Vec<T> g, T *slot0, T *slot1,
                                 long i) {
    if constexpr (R == Rule::sgd) {
        return w - s.rate * g;  // g is the mean: w - (eta / m) nabla_w  (N12)
    }
    if constexpr (R == Rule::momentum || R == Rule::nesterov) {
        const Vec<T> move = -s.rate * g;
        const Vec<T> velocity = s.mu * load(slot0 + i) + move;
        store(slot0 + i, velocity);
        return w + (R == Rule::nesterov ? s.mu * velocity + move : velocity);
    }
    if constexpr (R == Rule::adam) {
        const Vec<T> m = s.beta1 * load(slot0 + i) + s.one_minus_beta1 * g;
        const Vec<T> v = s.beta2 * load(slot1 + i) + s.one_minus_beta2 * (g * g);
        store(slot0 + i, m);
        store(slot1 + i, v);
        return w - s.adam_rate * m / (square_root(v) + s.epsilon);
    }
    if constexpr (R == Rule::rmsprop) {
        const Vec<T> v = s.beta2 * load(slot0 + i) + s.one_minus_beta2 * (g * g);
        store(slot0 + i, v);
        return w - s.rate * g / (square_root(v) + s.epsilon);
    }
    if constexpr (R == Rule::lion) {
        const Vec<T> m = load(slot0 + i);
        const Vec<T> c = s.beta1 * m + s.one_minus_beta1 * g;
        store(slot0 + i, s.beta2 * m + s.one_minus_beta2 * g);
        const Vec<T> sign = c > T(0) ? broadcast<T>(1) : c < T(0) ? broadcast<T>(-1) : Vec<T>{};
        return w - s.rate * sign;
    }
}

// The scalars are passed by value: stores to the parameters cannot change a local copy, so they
// stay in registers.
template <Rule R>
static void step_parameters_as(const StepScalars scalars, T *w, const T *gradient, T *slot0,
                               T *slot1, long count, bool penalized) {
    for (long i = 0; i < count; i += lanes<T>) {
        Vec<T> parameter = load(w + i);
        Vec<T> g = load(gradient + i) * scalars.gradient_scale;
        if (penalized) {
            penalize(scalars, parameter, g);
        }
        store(w + i, step_vector<R>(scalars, parameter, g, slot0, slot1, i));
    }
}

// Steps `count` parameters, whole vectors. `gradient` holds batch sums; a rule without slots
// ignores slot0 and slot1, which may then be null. `penalized` is true for weights with a penalty,
// and false for biases.
static void step_parameters(Rule rule, const StepScalars &scalars, T *w, const T *gradient,
                            T *slot0, T *slot1, long count, bool penalized) {
    const auto step = [&]<Rule R>() {
        step_parameters_as<R>(scalars, w, gradient, slot0, slot1, count, penalized);
    };
    switch (rule) {
        case Rule::sgd:
            return step.template operator()<Rule::sgd>();
        case Rule::momentum:
            return step.template operator()<Rule::momentum>();
        case Rule::nesterov:
            return step.template operator()<Rule::nesterov>();
        case Rule::adam:
            return step.template operator()<Rule::adam>();
        case Rule::rmsprop:
            return step.template operator()<Rule::rmsprop>();
        case Rule::lion:
            return step.template operator()<Rule::lion>();
    }
}

}  // namespace chainrule::ISA
#endif  // ISA
