// The Python module: checks the arguments from Python, and releases the GIL while a kernel runs.
//
// Names of activations, costs and optimizers cross as strings; each list stands beside its
// functions in calculus/.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "calculus/distortion.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/session.hpp"
#include "sparse/build_csr.hpp"

namespace nb = nanobind;
using namespace chainrule;
using namespace chainrule::host;

namespace {

// Contiguous arrays in this machine's memory. InputArray is read, OutputArray written.
template <class T>
using InputArray = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using OutputArray = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using AnyInputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using AnyOutputArray = nb::ndarray<nb::c_contig, nb::device::cpu>;

// An array argument that nanobind never converts: a converted array is a copy, and what a kernel
// writes into a copy is lost.
auto unconverted(const char *name) {
    return nb::arg(name).noconvert();
}

void check(bool condition, const char *message) {
    if (!condition) {
        throw std::invalid_argument(message);
    }
}

// Refuses arrays whose numbers begin at odd places, as views of bytes may: the kernels read whole
// vectors of numbers at their own places.
void check_aligned(const auto &...arrays) {
    const auto is_aligned = [](const auto &array) {
        return reinterpret_cast<std::uintptr_t>(array.data()) % array.itemsize() == 0;
    };
    check((is_aligned(arrays) && ...), "arrays must be aligned to their numbers");
}

// n * width, of which an array's length is checked: the product of two sizes from Python may
// overflow, and so agree with a short array.
std::size_t checked_count(std::int64_t n, std::int64_t width) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 64;
    check(n >= 0 && width > 0, "n must be at least 0, and a width at least 1");
    check(n <= most / width, "n times the width is too large");
    return std::size_t(n) * std::size_t(width);
}

// Names

#define CHAINRULE_STRING(name) #name,
constexpr const char *activation_names[] = {CHAINRULE_ACTIVATIONS(CHAINRULE_STRING)};
constexpr const char *cost_names[] = {CHAINRULE_COSTS(CHAINRULE_STRING)};
constexpr const char *optimizer_names[] = {CHAINRULE_OPTIMIZERS(CHAINRULE_STRING)};
#undef CHAINRULE_STRING

template <std::size_t N>
std::vector<std::string> list_of(const char *const (&names)[N]) {
    return {names, names + N};
}

// The enumerator with this name; `kind` is for the error message.
template <class Enum, std::size_t N>
Enum enum_from_name(const char *const (&names)[N], const std::string &name,
                    const std::string &kind) {
    for (std::size_t i = 0; i < N; ++i) {
        if (name == names[i]) {
            return Enum(int(i));
        }
    }
    throw std::invalid_argument("the kernels have no " + kind + " named '" + name + "'");
}

// The settings of a cost or an optimizer, by name.
struct SettingsDict {
    const nb::dict &fields;

    double number(const char *name) const { return nb::cast<double>(field(name)); }
    std::string text(const char *name) const { return nb::cast<std::string>(field(name)); }

private:
    nb::object field(const char *name) const {
        if (!fields.contains(name)) {
            throw std::invalid_argument(std::string("the settings lack ") + name);
        }
        return nb::object(fields[name]);
    }
};

// The GIL, released while this lives. Before Python 3.14, a daemon thread that asks for the GIL
// while the interpreter shuts down has its stack unwound, which ends the process with an error in
// C++: it waits here for the end of the process instead.
struct GilReleased {
    PyThreadState *const state = PyEval_SaveThread();
    ~GilReleased() try { PyEval_RestoreThread(state); } catch (...) {
        for (;;) {
            pause();
        }
    }
};

// Data

InputKind input_kind_of(const AnyInputArray &x) {
    if (x.dtype() == nb::dtype<std::uint8_t>()) {
        return InputKind::pixels;
    }
    if (x.dtype() == nb::dtype<float>()) {
        return InputKind::float32;
    }
    if (x.dtype() == nb::dtype<double>()) {
        return InputKind::float64;
    }
    throw nb::type_error("x must be uint8, float32 or float64");
}

template <class T>
constexpr InputKind own_kind() {
    return sizeof(T) == sizeof(float) ? InputKind::float32 : InputKind::float64;
}

// The examples as the kernels read them, and the Python arrays that hold their memory.
class PreparedData {
public:
    Data data{};
    int n_out = 0;  // width of the targets; 0 without targets
    InputKind features_kind = InputKind::float32;

    // Targets and features that were set before are dropped: they belong to other rows.
    void set_dense(std::int64_t n, int n_in, nb::object x) {
        PreparedData fresh;
        fresh.data.n = n;
        fresh.data.n_in = n_in;
        fresh.data.values = fresh.keep_values_alive(x, checked_count(n, n_in));
        *this = std::move(fresh);
    }

    // With `trusted`, the rows were made by fill_entries, and are not checked again.
    void set_sparse(std::int64_t n, int n_in, nb::object row_starts, nb::object columns,
                    bool wide_columns, nb::object values, bool trusted) {
        checked_count(n, n_in);
        PreparedData fresh;
        fresh.keep_sparse(n, n_in, row_starts, columns, wide_columns, values, trusted);
        *this = std::move(fresh);
    }

    // The same dense inputs, of which features are computed: starts (n_in + 1), lower and scale
    // with one entry a bin, limits (n_in) and sizes (n_in + bins); the limits from `clipped` on are
    // infinite.
    PreparedData with_features(nb::object starts, nb::object lower, nb::object scale,
                               nb::object limits, nb::object sizes, int clipped) const {
        check(!data.sparse, "no features can be computed of sparse inputs");
        check(0 <= clipped && clipped <= data.n_in, "clipped must be from 0 to n_in");
        PreparedData view = *this;
        const std::int32_t *firsts = view.keep_alive<std::int32_t>(
            starts, std::size_t(data.n_in) + 1, "starts must have n_in + 1 entries");
        check(firsts[0] == 0, "the first column's bins must start at 0");
        for (int j = 0; j < data.n_in; ++j) {
            check(firsts[j] <= firsts[j + 1], "starts must ascend");
        }
        const long count = firsts[data.n_in];
        constexpr const char *message = "lower and scale must have one entry a bin";
        view.features_kind = input_kind_of(nb::cast<AnyInputArray>(lower, false));
        const auto numbers = [&](nb::object array, long entries, const char *requirement) {
            return view.keep_numbers_alive(view.features_kind, array, std::size_t(entries),
                                           requirement);
        };
        view.data.features = {
            .computed = true,
            .bins = count,
            .starts = firsts,
            .lower = numbers(lower, count, message),
            .scale = numbers(scale, count, message),
            .limits = numbers(limits, data.n_in, "limits must have one entry a column"),
            .sizes = numbers(sizes, data.n_in + count, "sizes must have one entry a feature"),
            .clipped = clipped,
        };
        return view;
    }

    // The same inputs with their targets: labels (n) or targets (n, n_out), and where there are any
    // the classes (n) that count as right and the weights (n).
    PreparedData with_targets(nb::object labels, nb::object targets, nb::object classes,
                              nb::object weights, int n_out) const {
        check(n_out > 0, "n_out must be at least 1");
        PreparedData view = *this;
        const std::size_t n = std::size_t(data.n);
        const std::size_t n_targets = checked_count(data.n, n_out);
        view.n_out = n_out;
        view.data.labels =
            view.keep_alive_or_null<std::int32_t>(labels, n, "labels must have one entry a row");
        view.data.targets = view.keep_alive_or_null<double>(
            targets, n_targets, "targets must have the shape (n, n_out)");
        view.data.classes =
            view.keep_alive_or_null<std::int32_t>(classes, n, "classes must have one entry a row");
        view.data.weights =
            view.keep_alive_or_null<double>(weights, n, "weights must have one entry a row");
        if (view.data.labels != nullptr) {
            for (std::size_t i = 0; i < n; ++i) {
                check(view.data.labels[i] >= 0 && view.data.labels[i] < n_out,
                      "labels must be at least 0 and below n_out");
            }
        }
        return view;
    }

private:
    std::vector<nb::object> kept_alive;

    void keep_sparse(std::int64_t n, int n_in, nb::object row_starts, nb::object columns,
                     bool wide_columns, nb::object values, bool trusted) {
        data.n = n;
        data.n_in = n_in;
        data.sparse = true;
        data.wide_columns = wide_columns;
        data.row_starts = keep_alive<std::int64_t>(row_starts, std::size_t(n) + 1,
                                                   "row_starts must have n + 1 entries");
        const std::int64_t entries = data.row_starts[n];
        check(entries >= 0, "the last of row_starts must be the number of entries");
        constexpr const char *message = "columns must have one entry for each value";
        if (wide_columns) {
            const auto *wide = keep_alive<std::uint32_t>(columns, std::size_t(entries), message);
            data.columns = wide;
        } else {
            data.columns = keep_alive<std::uint16_t>(columns, std::size_t(entries), message);
        }
        data.values = keep_values_alive(values, std::size_t(entries));
        if (trusted) {
            return;
        }
        if (wide_columns) {
            check_csr(data, static_cast<const std::uint32_t *>(data.columns));
        } else {
            check_csr(data, static_cast<const std::uint16_t *>(data.columns));
        }
    }

    template <class T>
    const T *keep_alive(nb::object array, std::size_t count, const char *message) {
        const auto view = nb::cast<InputArray<T>>(array, false);
        check(view.size() == count, message);
        check_aligned(view);
        kept_alive.push_back(array);
        return view.data();
    }

    template <class T>
    const T *keep_alive_or_null(nb::object array, std::size_t count, const char *message) {
        return array.is_none() ? nullptr : keep_alive<T>(array, count, message);
    }

    const void *keep_numbers_alive(InputKind kind, nb::object array, std::size_t count,
                                   const char *message) {
        return with_input_type(kind, nullptr, [&]<class Value>(const Value *) -> const void * {
            return keep_alive<Value>(array, count, message);
        });
    }

    const void *keep_values_alive(nb::object array, std::size_t count) {
        data.kind = input_kind_of(nb::cast<AnyInputArray>(array, false));
        return keep_numbers_alive(data.kind, array, count,
                                  "x must have one value an input, or an entry");
    }
};

// Sessions

template <class T>
void check_inputs(const Session<T> &session, const PreparedData &prepared) {
    check(n_features(prepared.data) == session.n_in(),
          "x must have as many columns as the network inputs");
    check(!prepared.data.features.computed || prepared.features_kind == own_kind<T>(),
          "the features must have the network's type of number");
}

template <class T>
void check_targets(const Session<T> &session, const PreparedData &prepared) {
    check_inputs(session, prepared);
    check(prepared.n_out == session.n_out(), "targets must be as wide as the network's outputs");
    check(prepared.data.labels || prepared.data.targets, "the data has neither labels nor targets");
}

template <class T>
void check_layer(const Session<T> &session, int l, const auto &w, const auto &b) {
    check(l >= 0 && std::size_t(l) < session.n_layers(), "the network has no such layer");
    const Layer<T> &layer = session.layer(l);
    check(w.ndim() == 2, "w must have two dimensions");
    check(b.ndim() == 1, "b must have one dimension");
    check(std::int64_t(w.shape(0)) == layer.n_out && std::int64_t(w.shape(1)) == layer.n_in,
          "w must have the shape (n_out, n_in)");
    check(std::int64_t(b.shape(0)) == layer.n_out, "b must have the shape (n_out,)");
    check_aligned(w, b);
}

void check_rows(const InputArray<std::int64_t> &rows, const Data &data) {
    check_aligned(rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        check(rows.data()[i] >= 0 && rows.data()[i] < data.n,
              "rows must be at least 0 and below n");
    }
}

// The rows that a call is about: numbers from Python, or all of the data where they are None.
struct ChosenRows {
    InputArray<std::int64_t> array;
    std::int64_t n;

    // Null for all of the data.
    const std::int64_t *numbers() const { return array.is_valid() ? array.data() : nullptr; }
};

ChosenRows choose_rows(const nb::object &rows, const Data &data) {
    if (rows.is_none()) {
        return {.array = {}, .n = data.n};
    }
    const auto array = nb::cast<InputArray<std::int64_t>>(rows, false);
    check_rows(array, data);
    return {.array = array, .n = std::int64_t(array.size())};
}

// -1 for the parameters, 0 and 1 for the optimizer's slots.
ArrayKind array_kind(int slot) {
    check(slot >= -1 && slot <= 1, "slot must be -1 (the parameters), 0 or 1");
    return slot < 0 ? ArrayKind::parameters : slot == 0 ? ArrayKind::slot0 : ArrayKind::slot1;
}

template <class T>
void construct_session(Session<T> *self, const std::string &instruction_set,
                       const std::vector<std::int64_t> &sizes,
                       const std::vector<std::string> &activations,
                       const std::vector<double> &dropout, const std::string &cost,
                       const nb::dict &cost_settings, bool delta_is_difference,
                       double label_smoothing, const std::string &optimizer,
                       const nb::dict &optimizer_settings, double l1, std::optional<double> clip,
                       std::uint64_t seed, std::int64_t step, int threads, bool tune_threads) {
    check(sizes.size() >= 2, "sizes must name the inputs and at least one layer's units");
    check(activations.size() == sizes.size() - 1, "activations must have one entry a layer");
    check(dropout.size() == activations.size(), "dropout must have one entry a layer");
    check(label_smoothing >= 0 && label_smoothing < 1, "label_smoothing must be from 0, below 1");
    constexpr std::int64_t most_steps = std::numeric_limits<std::int64_t>::max() / 2;
    check(step >= 0 && step <= most_steps, "step must be from 0 to 2^62");
    for (const std::int64_t size : sizes) {
        check(size > 0 && size <= std::numeric_limits<std::int32_t>::max(),
              "sizes must be at least 1 and below 2^31");
    }
    SessionSettings settings{
        .sizes = sizes,
        .activations = {},
        .dropout = dropout,
        .cost = cost_from(enum_from_name<CostName>(cost_names, cost, "cost"),
                          SettingsDict{.fields = cost_settings}),
        .delta_is_difference = delta_is_difference,
        .label_smoothing = label_smoothing,
        .optimizer =
            optimizer_from(enum_from_name<OptimizerName>(optimizer_names, optimizer, "optimizer"),
                           SettingsDict{.fields = optimizer_settings}),
        .seed = seed,
        .step = step,
        .threads = threads,
        .tune_threads = tune_threads,
    };
    settings.optimizer.l1 = l1;
    settings.optimizer.clip = clip.value_or(-1);
    for (const std::string &name : activations) {
        settings.activations.push_back(
            enum_from_name<Activation>(activation_names, name, "activation"));
    }
    new (self) Session<T>(kernels_of<T>(instruction_set), settings);
}

template <class T>
void put(Session<T> &session, int layer, int slot, InputArray<T> w, InputArray<T> b) {
    check_layer(session, layer, w, b);
    session.put(layer, array_kind(slot), w.data(), b.data());
}

template <class T>
void get(const Session<T> &session, int layer, int slot, OutputArray<T> w, OutputArray<T> b) {
    check_layer(session, layer, w, b);
    session.get(layer, array_kind(slot), w.data(), b.data());
}

template <class T>
void put_unscaled(Session<T> &session, InputArray<T> w, InputArray<T> b, double w_scale) {
    check_layer(session, 0, w, b);
    session.put_unscaled(w.data(), b.data(), w_scale);
}

template <class T>
void get_unscaled(const Session<T> &session, OutputArray<T> w, OutputArray<T> b) {
    check_layer(session, 0, w, b);
    session.get_unscaled(w.data(), b.data());
}

// `order`: (n) for a part of one epoch, or (epochs, n). rate, decay, costs and correct have one
// entry a mini-batch; squares too, or none where they are not wanted.
template <class T>
void advance(Session<T> &session, const PreparedData &prepared, InputArray<std::int64_t> order,
             std::int64_t batch_size, InputArray<double> rate, InputArray<double> decay,
             OutputArray<double> costs, OutputArray<double> correct, OutputArray<double> squares) {
    check_targets(session, prepared);
    check(batch_size > 0, "batch_size must be at least 1");
    const auto length = std::int64_t(order.size());
    const std::int64_t epochs = order.ndim() == 2 ? std::int64_t(order.shape(0)) : 1;
    const std::int64_t epoch_length = length / std::max<std::int64_t>(epochs, 1);
    const std::int64_t steps_per_epoch = epoch_length > 0 ? (epoch_length - 1) / batch_size + 1 : 0;
    const std::size_t steps = std::size_t(epochs * steps_per_epoch);
    check(rate.size() == steps, "rate must have one entry a mini-batch");
    check(decay.size() == steps, "decay must have one entry a mini-batch");
    check(costs.size() == steps, "costs must have one entry a mini-batch");
    check(correct.size() == steps, "correct must have one entry a mini-batch");
    check(squares.size() == 0 || squares.size() == steps,
          "squares must have one entry a mini-batch, or none");
    check_aligned(rate, decay, costs, correct, squares);
    check_rows(order, prepared.data);
    const MiniBatchSchedule schedule{
        .order = order.data(),
        .length = length,
        .batch_size = batch_size,
        .epoch_length = epoch_length,
        .rate = rate.data(),
        .decay = decay.data(),
        .costs = costs.data(),
        .correct = correct.data(),
        .squares = squares.size() > 0 ? squares.data() : nullptr,
    };
    const GilReleased released;
    session.advance(prepared.data, schedule);
}

template <class T>
std::tuple<double, double, double> evaluate(Session<T> &session, const PreparedData &prepared,
                                            nb::object rows) {
    check_targets(session, prepared);
    const ChosenRows chosen = choose_rows(rows, prepared.data);
    const GilReleased released;
    const Totals totals = session.evaluate(prepared.data, chosen.numbers(), chosen.n);
    return {totals.cost, totals.correct, totals.weight};
}

// The summed cost and the correct examples at `parameters`, one vector; the gradient goes into
// `gradient`, laid out likewise.
template <class T>
std::tuple<double, double> value_and_gradient(Session<T> &session, const PreparedData &prepared,
                                              nb::object rows, InputArray<T> parameters,
                                              OutputArray<T> gradient) {
    check_targets(session, prepared);
    check(std::int64_t(parameters.size()) == session.size(),
          "parameters must have one entry for each weight and bias");
    check(gradient.size() == parameters.size(), "gradient must be as long as parameters");
    check_aligned(parameters, gradient);
    const ChosenRows chosen = choose_rows(rows, prepared.data);
    const GilReleased released;
    session.for_each_layer(parameters.data(), [&](int l, const T *w, const T *b) {
        session.put(l, ArrayKind::parameters, w, b);
    });
    const Totals totals = session.gradient(prepared.data, chosen.numbers(), chosen.n);
    session.for_each_layer(gradient.data(),
                           [&](int l, T *w, T *b) { session.get(l, ArrayKind::gradient, w, b); });
    return {totals.cost, totals.correct};
}

template <class T>
void forward(Session<T> &session, const PreparedData &prepared, OutputArray<T> out) {
    check_inputs(session, prepared);
    check(out.size() == checked_count(prepared.data.n, session.n_out()),
          "out must have the shape (n, n_out)");
    check_aligned(out);
    const GilReleased released;
    session.evaluate(prepared.data, out.data());
}

// Prediction of a few rows from the caller's own arrays

// The caller's arrays as layers; none where they do not fit `sizes` or are not aligned arrays of T.
template <class T>
std::optional<std::vector<BorrowedLayer<T>>> borrow_layers(
    const std::vector<long> &sizes, const std::vector<std::string> &activations,
    const nb::list &weights, const nb::list &biases) {
    const auto is_aligned = [](const void *p) {
        return reinterpret_cast<std::uintptr_t>(p) % sizeof(T) == 0;
    };
    std::vector<BorrowedLayer<T>> layers;
    for (std::size_t l = 0; l < activations.size(); ++l) {
        const auto n_in = std::size_t(sizes[l]);
        const auto n_out = std::size_t(sizes[l + 1]);
        InputArray<T> w;
        InputArray<T> b;
        if (!nb::try_cast(weights[l], w, false) || !nb::try_cast(biases[l], b, false)) {
            return std::nullopt;
        }
        if (w.ndim() != 2 || w.shape(0) != n_out || w.shape(1) != n_in) {
            return std::nullopt;
        }
        if (b.ndim() != 1 || b.size() != n_out || !is_aligned(w.data()) || !is_aligned(b.data())) {
            return std::nullopt;
        }
        layers.push_back({
            .n_in = sizes[l],
            .n_out = sizes[l + 1],
            .activation =
                enum_from_name<Activation>(activation_names, activations[l], "activation"),
            .w = w.data(),
            .b = b.data(),
        });
    }
    return layers;
}

// Writes the outputs of a few unchecked rows to `out`. Returns false where a check or a conversion
// is needed first: rows of another width or layout, numbers that are not finite or outside [lowest,
// highest], images without a pixel above 1, parameters that do not fit.
template <class T>
bool forward_small(const std::string &instruction_set, const std::vector<long> &sizes,
                   const std::vector<std::string> &activations, nb::list weights, nb::list biases,
                   AnyInputArray x, OutputArray<T> out, double lowest, double highest) {
    constexpr double min_products_for_release = 1e6;  // below, releasing the GIL takes longer
    const std::size_t n_layers = activations.size();
    check(n_layers > 0, "activations must have one entry a layer");
    check(sizes.size() == n_layers + 1, "sizes must have one entry more than activations");
    if (weights.size() != n_layers || biases.size() != n_layers) {
        return false;
    }
    if (x.ndim() != 2 || long(x.shape(1)) != sizes[0]) {
        return false;
    }
    const InputKind kind = input_kind_of(x);
    if (reinterpret_cast<std::uintptr_t>(x.data()) % x.itemsize() != 0) {
        return false;
    }
    const auto layers = borrow_layers<T>(sizes, activations, weights, biases);
    if (!layers) {
        return false;
    }
    check(out.size() == x.shape(0) * std::size_t(sizes.back()),
          "out must have the shape (rows, n_out)");
    check_aligned(out);
    const long widest = *std::max_element(sizes.begin(), sizes.end());
    const long buffer_length = round_up(widest, line<T>);
    std::vector<T> buffers(std::size_t(2 * buffer_length));
    const BorrowedNetwork<T> network{
        .n_layers = int(n_layers),
        .layers = layers->data(),
        .buffers = {buffers.data(), buffers.data() + buffer_length},
        .lowest_input = T(lowest),
        .highest_input = T(highest),
    };
    const KernelTable<T> &kernels = kernels_of<T>(instruction_set);
    const auto compute = [&] {
        return kernels.forward_small(network, kind, x.data(), long(x.shape(0)), out.data());
    };
    double products = 0;
    for (const BorrowedLayer<T> &layer : *layers) {
        products += double(layer.n_in) * double(layer.n_out) * double(x.shape(0));
    }
    if (products < min_products_for_release) {
        return compute();
    }
    const GilReleased released;
    return compute();
}

// Making CSR rows

void count_entries_of(AnyInputArray x, OutputArray<std::int64_t> counts, int threads) {
    check(x.ndim() == 2, "x must have two dimensions");
    check(counts.size() == x.shape(0), "counts must have one entry a row");
    check_aligned(x, counts);
    const GilReleased released;
    with_input_type(input_kind_of(x), x.data(), [&](auto *numbers) {
        count_entries(numbers, std::int64_t(x.shape(0)), std::int64_t(x.shape(1)), counts.data(),
                      threads);
    });
}

template <class Column>
void fill_entries_of(AnyInputArray x, InputArray<std::int64_t> row_starts,
                     OutputArray<Column> columns, AnyOutputArray values, int threads) {
    check(x.ndim() == 2, "x must have two dimensions");
    const auto n = std::int64_t(x.shape(0));
    check(row_starts.size() == x.shape(0) + 1, "row_starts must have n + 1 entries");
    check_aligned(x, row_starts, columns, values);
    check(std::is_sorted(row_starts.data(), row_starts.data() + n + 1) && row_starts.data()[0] == 0,
          "row_starts must ascend from 0");
    check(row_starts.data()[n] == std::int64_t(columns.size()),
          "columns must have as many entries as the last of row_starts says");
    check(values.size() == columns.size(), "values must have one entry for each column");
    check(values.dtype() == x.dtype(), "values must have the dtype of x");
    const GilReleased released;
    with_input_type(input_kind_of(x), x.data(), [&](auto *numbers) {
        using Value = std::remove_const_t<std::remove_pointer_t<decltype(numbers)>>;
        fill_entries(numbers, n, std::int64_t(x.shape(1)), row_starts.data(), columns.data(),
                     static_cast<Value *>(values.data()), threads);
    });
}

// Distorting images

// Refuses maps whose places could overflow.
void check_maps(const InputArray<std::int64_t> &maps) {
    constexpr std::int64_t most_per_pixel = std::int64_t(1) << 30;
    constexpr std::int64_t most_offset = std::int64_t(1) << 60;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const std::int64_t most = i % 3 == 2 ? most_offset : most_per_pixel;
        check(maps.data()[i] >= -most && maps.data()[i] <= most,
              "maps must be at most 2^30 a pixel");
    }
}

void distort_images_of(AnyInputArray images, InputArray<std::int64_t> maps, bool light,
                       AnyOutputArray out, int threads) {
    constexpr std::size_t most_pixels = 1 << 20;  // of a row or a column
    check(images.ndim() == 3, "images must have three dimensions");
    check(images.shape(1) <= most_pixels && images.shape(2) <= most_pixels,
          "an image must have at most 2^20 rows and columns");
    check(maps.size() == 6 * images.shape(0), "maps must have the shape (n, 2, 3)");
    check(out.size() == images.size(), "out must have the shape of images");
    check(out.dtype() == images.dtype(), "out must have the dtype of images");
    check_aligned(images, maps, out);
    check_maps(maps);
    const GilReleased released;
    with_input_type(input_kind_of(images), images.data(), [&](auto *pixels) {
        using Value = std::remove_const_t<std::remove_pointer_t<decltype(pixels)>>;
        distort_images(pixels, std::int64_t(images.shape(0)), std::int64_t(images.shape(1)),
                       std::int64_t(images.shape(2)), maps.data(), light,
                       static_cast<Value *>(out.data()), threads);
    });
}

// The module

std::vector<std::string> instruction_set_names() {
    std::vector<std::string> names;
    for (const InstructionSet &set : available_instruction_sets()) {
        names.push_back(set.name);
    }
    return names;
}

template <class T>
void bind_session(nb::module_ &m, const char *name) {
    nb::class_<Session<T>>(m, name)
        .def("__init__", &construct_session<T>, nb::arg("instruction_set"), nb::arg("sizes"),
             nb::arg("activations"), nb::arg("dropout"), nb::arg("cost"), nb::arg("cost_settings"),
             nb::arg("delta_is_difference"), nb::arg("label_smoothing"), nb::arg("optimizer"),
             nb::arg("optimizer_settings"), nb::arg("l1"), nb::arg("clip").none(), nb::arg("seed"),
             nb::arg("step"), nb::arg("threads"), nb::arg("tune_threads"))
        .def("put", &put<T>, nb::arg("layer"), nb::arg("slot"), unconverted("w"), unconverted("b"))
        .def("get", &get<T>, nb::arg("layer"), nb::arg("slot"), unconverted("w"), unconverted("b"))
        .def("w_scale", &Session<T>::w_scale)
        .def("put_unscaled", &put_unscaled<T>, unconverted("w"), unconverted("b"),
             nb::arg("w_scale"))
        .def("get_unscaled", &get_unscaled<T>, unconverted("w"), unconverted("b"))
        .def("advance", &advance<T>, nb::arg("data"), unconverted("order"), nb::arg("batch_size"),
             unconverted("rate"), unconverted("decay"), unconverted("costs"),
             unconverted("correct"), unconverted("squares"))
        .def("evaluate", &evaluate<T>, nb::arg("data"), nb::arg("rows").none())
        .def("value_and_gradient", &value_and_gradient<T>, nb::arg("data"), nb::arg("rows").none(),
             unconverted("parameters"), unconverted("gradient"))
        .def("forward", &forward<T>, nb::arg("data"), unconverted("out"))
        .def("step", &Session<T>::step)
        .def("finite", &Session<T>::finite);
}

void bind_data(nb::module_ &m) {
    nb::class_<PreparedData>(m, "Data")
        .def(nb::init<>())
        .def("set_dense", &PreparedData::set_dense, nb::arg("n"), nb::arg("n_in"), nb::arg("x"))
        .def("set_sparse", &PreparedData::set_sparse, nb::arg("n"), nb::arg("n_in"),
             nb::arg("row_starts"), nb::arg("columns"), nb::arg("wide_columns"), nb::arg("values"),
             nb::arg("trusted"))
        .def("with_features", &PreparedData::with_features, nb::arg("starts"), nb::arg("lower"),
             nb::arg("scale"), nb::arg("limits"), nb::arg("sizes"), nb::arg("clipped"))
        .def("with_targets", &PreparedData::with_targets, nb::arg("labels").none(),
             nb::arg("targets").none(), nb::arg("classes").none(), nb::arg("weights").none(),
             nb::arg("n_out"))
        .def_prop_ro("has_classes",
                     [](const PreparedData &self) { return self.data.classes != nullptr; });
}

template <class T>
void bind_forward_small(nb::module_ &m) {
    m.def("forward_small", &forward_small<T>, nb::arg("instruction_set"), nb::arg("sizes"),
          nb::arg("activations"), nb::arg("weights"), nb::arg("biases"), unconverted("x"),
          unconverted("out"), nb::arg("lowest"), nb::arg("highest"));
}

template <class Column>
void bind_fill_entries(nb::module_ &m) {
    m.def("fill_entries", &fill_entries_of<Column>, unconverted("x"), unconverted("row_starts"),
          unconverted("columns"), unconverted("values"), nb::arg("threads"));
}

}  // namespace

NB_MODULE(_fused, m) {
    m.def("instruction_sets", &instruction_set_names);
    m.def("activations", [] { return list_of(activation_names); });
    m.def("costs", [] { return list_of(cost_names); });
    m.def("optimizers", [] { return list_of(optimizer_names); });
    bind_data(m);
    bind_session<float>(m, "SessionF32");
    bind_session<double>(m, "SessionF64");
    bind_forward_small<float>(m);
    bind_forward_small<double>(m);
    m.def("count_entries", &count_entries_of, unconverted("x"), unconverted("counts"),
          nb::arg("threads"));
    m.def("distort_images", &distort_images_of, unconverted("images"), unconverted("maps"),
          nb::arg("light"), unconverted("out"), nb::arg("threads"));
    bind_fill_entries<std::uint16_t>(m);
    bind_fill_entries<std::uint32_t>(m);
}
