// What the kernels work on: plain structures whose memory belongs to the session. No functions stand here, so that nothing in this
// file is compiled twice for two instruction sets under one name.
#pragma once
#include <cstdint>

namespace chainrule {

enum class Activation : int { sigmoid, tanh, relu, leaky_relu, identity, exp, softmax };
enum class Cost : int { quadratic, mean_squared_error, cross_entropy, log_loss, poisson };
enum class Rule : int { sgd, momentum, nesterov, adam, rmsprop };
enum class Kind : int { float32, float64, pixels, sparse };  // of the inputs; sparse values are pixels, float32 or float64

// A layer's parameters lie as (n_in, ld): row k holds what input k sends to each unit, padded with zeros to whole vectors. A tile of
// outputs is then a run of vectors, forward and in the gradient. `wt` is the notes' (n_out, n_in) matrix, for delta @ W.
template <class T>
struct Layer {
    int n_in, n_out;
    long ld, ldt;  // padded n_out, padded n_in
    Activation activation;
    double dropout;
    T *w, *wt, *b;
    T *gradient_w, *gradient_b;       // batch sums, laid out as w and b
    T *slots_w[2], *slots_b[2];       // what the optimizer remembers
    T *a, *mask, *h;                  // (m, ld): activations; dropout's factors; what the next layer takes
    T *delta;                         // (m, ld): dC/dz
};

struct Optimizer {
    Rule rule;
    double momentum;                  // mu
    double beta1, beta2, epsilon;     // beta2 is RMSprop's rho
    bool epsilon_on_raw;
    double shrink, l1, clip;          // decoupled decay; clip < 0 for none
};

template <class T>
struct Net {
    int n_layers;
    Layer<T> *layers;
    Cost cost;
    bool collapses;                   // dC/dz of the output is a - y
    Optimizer optimizer;
    T *x;                             // (m, n_in): a batch's dense inputs
    std::uint64_t seed;
    std::int64_t step;                // updates done
};

struct Data {
    std::int64_t n;
    int n_in;
    Kind kind;
    const void *x;                    // (n, n_in), dense kinds
    const std::int64_t *starts;       // (n + 1): where each example's entries begin
    const void *columns;              // uint16 or uint32
    bool wide_columns;
    const void *values;
    Kind value_kind;
    const std::int32_t *labels;       // (n), or
    const double *targets;            // (n, n_out)
    const std::int32_t *classes;      // (n): what counts as right; null where there are no classes
    const double *weights;            // (n), or null
};

struct Batches {
    const std::int64_t *order;
    std::int64_t length, size;
    const double *rate, *decay;
    double *costs, *right;            // one a mini-batch
};

struct Sums {
    double cost, right, total;
};

// One instruction set's kernels.
template <class T>
struct Kernels {
    void (*advance)(Net<T> &, const Data &, const Batches &);
    void (*gradient)(Net<T> &, const Data &, const std::int64_t *rows, std::int64_t m, Sums &);
    void (*forward)(Net<T> &, const Data &, std::int64_t first, std::int64_t m);
    void (*evaluate)(Net<T> &, const Data &, std::int64_t first, std::int64_t m, Sums &);
};

struct Table {
    const char *name;
    int vector_bytes;
    Kernels<float> f32;
    Kernels<double> f64;
};

}  // namespace chainrule
