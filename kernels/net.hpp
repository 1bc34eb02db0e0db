// What the kernels work on: plain structures whose memory is the session's. Functions are static: none has one name in two instruction sets.
#pragma once
#include <cstdint>

namespace chainrule {

enum class Activation : int { sigmoid, tanh, relu, leaky_relu, identity, exp, softmax };
enum class Cost : int { quadratic, mean_squared_error, cross_entropy, log_loss, poisson };
enum class Rule : int { sgd, momentum, nesterov, adam, rmsprop };
enum class Kind : int { float32, float64, pixels };  // of the inputs

constexpr long cache_line = 64, panel_bytes = 4 * cache_line;
template <class T>
constexpr long line = cache_line / long(sizeof(T));  // numbers in a cache line; every width is padded to whole lines
template <class T>
constexpr long widest_panel = panel_bytes / long(sizeof(T));

template <class T>
constexpr T least_normal = sizeof(T) == 4 ? T(1.1754943508222875e-38) : T(2.2250738585072014e-308);  // what is less counts as 0

static constexpr long padded(long count, long to) { return (count + to - 1) / to * to; }

// A matrix cut into panels, one panel's rows after another: a tile of a product reads its panel from end to end, and a row's piece is one
// run of vectors. Rows are padded with zeros to whole lines. Panels are columns of 256 bytes, but for the last of each worker's part.
template <class T>
struct Panels {
    T *at;
    long rows, columns;
    long part;                        // columns that a worker may have to itself
};
struct Panel { long first, width; };
template <class T>
static inline Panel panel_at(const Panels<T> &p, long column) {
    const long begin = long(unsigned(column) / unsigned(p.part)) * p.part, first = begin + ((column - begin) & -widest_panel<T>);
    const long end = begin + p.part < p.columns ? begin + p.part : p.columns;
    return {first, end - first < widest_panel<T> ? end - first : widest_panel<T>};
}
template <class T>
static inline long offset(const Panels<T> &p, long row, long column) {
    const Panel panel = panel_at(p, column);
    return panel.first * p.rows + row * panel.width + (column - panel.first);
}

// The first layer's w lies as (n_in, n_out): row k holds what input k sends to each unit, and few inputs of a record are not 0. The
// others' lie as in the notes, (n_out, n_in), as delta @ W wants them; forward, a panel of units at a time is turned over.
template <class T>
struct Layer {
    int n_in, n_out;
    bool by_inputs;                   // w is (n_in, n_out)
    long ld;                          // padded n_out
    long stride;                      // from one row of activations to the next: an odd number of lines where rows are long, so that
    Activation activation;            // a column of them doesn't fall into a few cache sets
    long grain;                       // units are shared out so many at a time
    double dropout;
    Panels<T> w;
    T *b;
    T *gradient_w, *gradient_b;       // batch sums, laid out as w and b; where a step needs them whole
    T *slots_w[2], *slots_b[2];       // what the optimizer remembers, laid out likewise
    std::uint8_t *met;                // of each input of a sparse layer: whether it was ever not 0, or a slot of its row not
    std::int64_t piece_w, piece_b;    // where a piece of a mini-batch keeps its gradient of w and b
    std::int64_t turned_at;           // where its w turned over begins, if all of it is kept
    T *a, *mask, *h;                  // (m, stride): activations; dropout's factors; what the next layer takes
    T *delta;                         // (m, stride): dC/dz
};

struct Optimizer {
    Rule rule;
    double momentum;                  // mu
    double beta1, beta2, epsilon;     // beta2 is RMSprop's rho
    bool epsilon_on_raw;
    double shrink, l1, clip;          // decoupled decay; clip < 0 for none
};
// Plain steps of a sparse first layer go straight into the rows of W that the batch touches, and an L2 penalty on all of W into its scale.
static inline bool goes_in_place(const Optimizer &o) { return o.rule == Rule::sgd && o.l1 == 0 && o.shrink == 0 && o.clip < 0; }

// The batch's entries by input: which examples have input k, and its value there.
template <class T>
struct Lists {
    std::int64_t *starts;             // (n_in + 2), the last for counting
    std::int32_t *examples;
    T *values;
};

template <class T>
struct Net {
    int n_layers;
    Layer<T> *layers;
    Cost cost;
    bool collapses;                   // dC/dz of the output is a - y
    Optimizer optimizer;
    Lists<T> *lists;                  // one a worker
    std::uint64_t seed;
    std::int64_t step;                // updates done
    double scale = 1;                 // w of the first layer is this times what stands there
    T *x = nullptr;                   // (m, x_stride): a batch's dense inputs
    long x_stride = 0;
    T *y = nullptr;                   // (m, ld of the last layer): its targets
    double *row_cost = nullptr, *row_right = nullptr;   // (m)
    double *norms = nullptr;                            // pieces of the gradient's squared length
    double *columns = nullptr;        // (2, ld of the first layer): the squares of a sparse one's columns before every other step,
    bool columns_known = false;       // and whether those before the next are there
    T *turned = nullptr, *pieces = nullptr;             // each worker's w turned over; the gradients of a mini-batch's pieces,
    std::int64_t turned_size = 0, piece_size = 0;       // from one to the next
};

struct Data {
    std::int64_t n;
    int n_in;
    Kind kind;
    const void *values;               // (n, n_in), or of a record's entries only what is not 0
    bool sparse, wide_columns;
    const std::int64_t *starts;       // (n + 1): where each example's entries begin
    const void *columns;              // uint16 or uint32, rising in each example
    const std::int32_t *labels;       // (n), or
    const double *targets;            // (n, n_out)
    const std::int32_t *classes;      // (n): what counts as right; null where there are no classes
    const double *weights;            // (n), or null
};

// Into how many pieces a mini-batch of m dense examples is cut, each taken by one worker from its inputs to its gradient; 1 where the
// examples are so few for so many weights that it is better to share out the units of every layer. It knows nothing of the workers.
template <class T>
static inline long pieces_of(const Net<T> &net, std::int64_t m) {
    constexpr std::int64_t fewest = 75, most = 8;
    double weights = 0, units = 0;
    for (int l = 0; l < net.n_layers; ++l) weights += double(net.layers[l].n_in) * double(net.layers[l].ld), units += double(net.layers[l].ld);
    if (2 * weights > double(m) * units) return 1;
    long pieces = 1;
    while (pieces < most && 2 * pieces * fewest <= m) pieces *= 2;
    return pieces;
}

// f(x) with the type that the numbers of a kind have
template <class F>
static inline auto with_values(Kind kind, const void *x, F &&f) {
    switch (kind) {
        case Kind::pixels: return f(static_cast<const std::uint8_t *>(x));
        case Kind::float32: return f(static_cast<const float *>(x));
        default: return f(static_cast<const double *>(x));
    }
}

// The mini-batches of some epochs, or of a part of one: each epoch is cut from its start.
struct Batches {
    const std::int64_t *order;        // null for one after another
    std::int64_t length, size, epoch; // examples: in all, of a mini-batch, of an epoch
    std::int64_t begun = 0;           // those of the first epoch that came before these
    const double *rate = nullptr, *decay = nullptr;
    double *costs = nullptr, *right = nullptr, *squares = nullptr;  // one a mini-batch; of all weights before it, or null
    bool last = true;                 // nothing deferred stays open

    std::int64_t row(std::int64_t i) const { return order ? order[i] : i; }
    std::int64_t size_at(std::int64_t first) const {
        const std::int64_t left = epoch - (begun + first) % epoch, here = left < size ? left : size;
        return here < length - first ? here : length - first;
    }
};

struct Sums { double cost, right, total; };
static inline void add(Sums &sums, const Sums &more) { sums = {sums.cost + more.cost, sums.right + more.right, sums.total + more.total}; }

struct Barrier {
    alignas(cache_line) unsigned arrived;
    alignas(cache_line) unsigned phase;
    alignas(cache_line) std::int64_t next;  // piece to be taken, where pieces need no waiting
};

// One of those that run a kernel together, each on a thread of its own.
struct Worker { int rank, size; Barrier *barrier; };

// A network as its owner holds it, and room for two rows of the widest layer, each padded to whole lines.
template <class T>
struct FewLayer { long n_in, n_out; Activation activation; const T *w, *b; };
template <class T>
struct Few {
    int n_layers;
    const FewLayer<T> *layers;
    T *room[2];
    T low = -T(__builtin_inf()), high = T(__builtin_inf());  // what inputs that are no pixels must lie between
};

// One instruction set's kernels. Every worker calls them with the same arguments.
template <class T>
struct Kernels {
    void (*advance)(Net<T> &, const Data &, const Batches &, const Worker &);
    void (*gradient)(Net<T> &, const Data &, const std::int64_t *rows, std::int64_t n, long piece, Sums *, const Worker &);
    void (*evaluate)(Net<T> &, const Data &, long piece, T *out, Sums *, const Worker &);  // the outputs, or where `out` is null the sums
    bool (*few)(const Few<T> &, Kind, const void *x, long m, T *out);  // by one thread; false where x must not be
};

}  // namespace chainrule
