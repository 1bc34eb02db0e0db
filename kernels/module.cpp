// The Python module: what Python hands over is checked here, and an instruction set is chosen.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include "records.hpp"
#include "session.hpp"
#include "sets.hpp"

namespace nb = nanobind;
using namespace chainrule;
using namespace chainrule::host;

namespace {

template <class T>
const Kernels<T> &kernels_of(const std::string &name) {
    static const std::vector<Set> here = sets_here();
    for (const Set &set : here)
        if (set.name == name) return std::get<const Kernels<T> &>(set.kernels);
    throw std::invalid_argument("this machine has no instruction set " + name);
}

template <class T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Any = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

// An array argument that is never converted: a converted array is a copy, and what a kernel writes into a copy is lost.
auto as_it_is(const char *name) { return nb::arg(name).noconvert(); }

Kind kind_of(const Any &x) {
    if (x.dtype() == nb::dtype<std::uint8_t>()) return Kind::pixels;
    if (x.dtype() == nb::dtype<float>()) return Kind::float32;
    if (x.dtype() == nb::dtype<double>()) return Kind::float64;
    throw nb::type_error("x must be uint8, float32 or float64");
}

void check(bool holds) { if (!holds) throw std::invalid_argument("the arrays do not fit"); }

// The GIL, let go of while a kernel runs. A daemon thread that comes back while the interpreter ends waits here for the end of the process,
// as Python 3.14 has it: earlier ones unwind the thread's stack instead, and through C++ that ends the process with an error.
struct GilReleased {
    PyThreadState *const state = PyEval_SaveThread();
    ~GilReleased() try {
        PyEval_RestoreThread(state);
    } catch (...) {
        for (;;) pause();
    }
};

// The examples as the kernels see them, and the Python arrays that they look into.
struct PreparedData {
    Data data{};
    int n_out = 0;                    // of the answers; 0 without
    std::vector<nb::object> keep;

    template <class T>
    const T *look(nb::object array, std::size_t count) {
        if (array.is_none()) return nullptr;
        const auto view = nb::cast<Array<T>>(array, false);
        check(view.size() == count);
        keep.push_back(array);
        return view.data();
    }

    const void *values(nb::object array, std::size_t count) {
        data.kind = kind_of(nb::cast<Any>(array, false));
        return with_values(data.kind, nullptr, [&]<class Value>(const Value *) -> const void * { return look<Value>(array, count); });
    }

    void dense(std::int64_t n, int n_in, nb::object x) {
        data.n = n;
        data.n_in = n_in;
        data.values = values(x, std::size_t(n) * n_in);
    }

    void sparse(std::int64_t n, int n_in, nb::object starts, nb::object columns, bool wide, nb::object x, bool own) {
        data.n = n;
        data.n_in = n_in;
        data.sparse = true;
        data.wide_columns = wide;
        data.starts = look<std::int64_t>(starts, std::size_t(n) + 1);
        const std::int64_t entries = data.starts[n];
        data.columns = wide ? static_cast<const void *>(look<std::uint32_t>(columns, entries)) : look<std::uint16_t>(columns, entries);
        data.values = values(x, entries);
        if (own) return;  // made by fill_entries
        if (wide) check_records(data, static_cast<const std::uint32_t *>(data.columns));
        else check_records(data, static_cast<const std::uint16_t *>(data.columns));
    }

    // The same inputs with what they should give
    PreparedData with_answers(nb::object labels, nb::object targets, nb::object classes, nb::object weights, int n_out) const {
        PreparedData view = *this;
        const std::size_t n = std::size_t(data.n);
        check(n_out > 0);
        view.data.labels = view.look<std::int32_t>(labels, n);
        view.data.targets = view.look<double>(targets, n * n_out);
        view.data.classes = view.look<std::int32_t>(classes, n);
        view.data.weights = view.look<double>(weights, n);
        view.n_out = n_out;
        for (std::size_t i = 0; view.data.labels && i < n; ++i) check(view.data.labels[i] >= 0 && view.data.labels[i] < n_out);
        return view;
    }
};

template <class T>
void check_answers(const Session<T> &s, const PreparedData &p) { check(p.data.n_in == s.n_in() && p.n_out == s.n_out() && (p.data.labels || p.data.targets)); }
void check_weights(const auto &layer, const auto &w, const auto &b) {
    check(w.ndim() == 2 && b.ndim() == 1 && w.shape(0) == b.shape(0) && std::int64_t(b.shape(0)) == layer.n_out && std::int64_t(w.shape(1)) == layer.n_in);
}
void check_rows(const Array<std::int64_t> &rows, const Data &data) { for (std::size_t i = 0; i < rows.size(); ++i) check(rows.data()[i] >= 0 && rows.data()[i] < data.n); }

template <class T>
void bind_session(nb::module_ &m, const char *name) {
    nb::class_<Session<T>>(m, name)
        .def("__init__", [](Session<T> *self, const std::string &isa, const std::vector<std::int64_t> &sizes, const std::vector<int> &activations,
                            const std::vector<double> &dropout, int cost, bool collapses, int rule, const std::vector<double> &numbers,
                            std::uint64_t seed, std::int64_t step, int threads, bool choosing) {
            check(sizes.size() >= 2 && activations.size() == sizes.size() - 1 && dropout.size() == activations.size() && numbers.size() == 8);
            for (const std::int64_t size : sizes) check(size > 0 && size <= std::numeric_limits<std::int32_t>::max());
            const auto &n = numbers;  // mu, beta1, beta2, epsilon, whether that is on the raw averages, shrink, l1, clip
            const Optimizer optimizer{Rule(rule), n[0], n[1], n[2], n[3], n[4] != 0, n[5], n[6], n[7]};
            new (self) Session<T>(kernels_of<T>(isa), {sizes, activations, dropout, Cost(cost), collapses, optimizer, seed, step}, threads, choosing);
        })
        .def("put", [](Session<T> &s, int l, int which, Array<T> w, Array<T> b) {
            check_weights(s.layer(l), w, b);
            s.put(l, which, w.data(), b.data());
        }, nb::arg("layer"), nb::arg("which"), as_it_is("w"), as_it_is("b"))
        .def("get", [](const Session<T> &s, int l, int which, Out<T> w, Out<T> b) {
            check_weights(s.layer(l), w, b);
            s.get(l, which, w.data(), b.data());
        }, nb::arg("layer"), nb::arg("which"), as_it_is("w"), as_it_is("b"))
        .def("advance", [](Session<T> &s, const PreparedData &prepared, Array<std::int64_t> order, std::int64_t size, Array<double> rate,
                           Array<double> decay, Out<double> costs, Out<double> right, Out<double> squares) {
            check_answers(s, prepared);
            check(size > 0);
            const std::int64_t length = std::int64_t(order.size()), epochs = order.ndim() == 2 ? std::int64_t(order.shape(0)) : 1;
            const std::int64_t epoch = length / std::max<std::int64_t>(epochs, 1), steps = epoch ? epochs * ((epoch - 1) / size + 1) : 0;
            for (const std::size_t count : {rate.size(), decay.size(), costs.size(), right.size()}) check(std::int64_t(count) == steps);
            check(squares.size() == 0 || std::int64_t(squares.size()) == steps);
            check_rows(order, prepared.data);
            double *const all_squares = squares.size() ? squares.data() : nullptr;
            const GilReleased released;
            s.advance(prepared.data, {order.data(), length, size, epoch, 0, rate.data(), decay.data(), costs.data(), right.data(), all_squares, true});
        }, nb::arg("data"), as_it_is("order"), nb::arg("size"), as_it_is("rate"), as_it_is("decay"), as_it_is("costs"), as_it_is("right"),
           as_it_is("squares"))
        .def("evaluate", [](Session<T> &s, const PreparedData &prepared) {
            check_answers(s, prepared);
            const GilReleased released;
            const Sums sums = s.evaluate(prepared.data);
            return std::tuple(sums.cost, sums.right, sums.total);
        })
        .def("gradient", [](Session<T> &s, const PreparedData &prepared, nb::object rows, Array<T> parameters, Out<T> gradient) {
            check_answers(s, prepared);
            const auto some = rows.is_none() ? Array<std::int64_t>() : nb::cast<Array<std::int64_t>>(rows, false);
            if (some.is_valid()) check_rows(some, prepared.data);
            check(std::int64_t(parameters.size()) == s.size() && gradient.size() == parameters.size());
            const GilReleased released;
            s.each_layer(parameters.data(), [&](int l, const T *w, const T *b) { s.put(l, -1, w, b); });
            const std::int64_t n = some.is_valid() ? std::int64_t(some.size()) : prepared.data.n;
            const double cost = s.gradient(prepared.data, some.is_valid() ? some.data() : nullptr, n).cost;
            s.each_layer(gradient.data(), [&](int l, T *w, T *b) { s.get(l, 2, w, b); });
            return cost;
        }, nb::arg("data"), nb::arg("rows").none(), as_it_is("parameters"), as_it_is("gradient"))
        .def("forward", [](Session<T> &s, const PreparedData &prepared, Out<T> out) {
            check(prepared.data.n_in == s.n_in() && out.size() == std::size_t(prepared.data.n) * s.n_out());
            const GilReleased released;
            s.evaluate(prepared.data, out.data());
        }, nb::arg("data"), as_it_is("out"))
        .def("step", &Session<T>::step)
        .def("finite", &Session<T>::finite);
}

// The outputs of a few rows, through the arrays as they are; false where these are not what a caller who skips all checks may pass: rows
// of another width or layout, numbers that are not finite or not between low and high, an image without a pixel above 1.
template <class T>
bool feedforward(const std::string &isa, const std::vector<long> &sizes, const std::vector<int> &activations, nb::list weights, nb::list biases, Any x, Out<T> out,
                 double low, double high) {
    const std::size_t n_layers = activations.size();
    check(n_layers > 0 && sizes.size() == n_layers + 1);
    if (weights.size() != n_layers || biases.size() != n_layers || x.ndim() != 2 || long(x.shape(1)) != sizes[0]) return false;
    const Kind kind = kind_of(x);
    const auto aligned = [](const void *p, std::size_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; };
    if (!aligned(x.data(), x.itemsize())) return false;
    std::vector<FewLayer<T>> layers;
    long widest = sizes[0];
    double weights_in_all = 0;
    for (std::size_t l = 0; l < n_layers; ++l) {
        Array<T> w, b;
        if (!nb::try_cast(weights[l], w, false) || !nb::try_cast(biases[l], b, false) || w.ndim() != 2 || b.ndim() != 1) return false;
        if (long(b.size()) != sizes[l + 1] || long(w.shape(0)) != sizes[l + 1] || long(w.shape(1)) != sizes[l]) return false;
        if (!aligned(w.data(), sizeof(T)) || !aligned(b.data(), sizeof(T))) return false;
        layers.push_back({sizes[l], sizes[l + 1], Activation(activations[l]), w.data(), b.data()});
        widest = std::max(widest, sizes[l + 1]);
        weights_in_all += double(w.size());
    }
    check(out.size() == x.shape(0) * std::size_t(sizes.back()));
    const long room = padded(widest, line<T>);
    std::vector<T> rows(2 * room);
    const Few<T> net{int(n_layers), layers.data(), {rows.data(), rows.data() + room}, T(low), T(high)};
    const auto answer = [&] { return kernels_of<T>(isa).few(net, kind, x.data(), long(x.shape(0)), out.data()); };
    if (weights_in_all * double(x.shape(0)) < 1e6) return answer();  // sooner done than the GIL is handed over
    const GilReleased released;
    return answer();
}

void count_entries(Any x, Out<std::int64_t> counts, int threads) {
    check(x.ndim() == 2 && counts.size() == x.shape(0));
    const GilReleased released;
    with_values(kind_of(x), x.data(), [&](auto *numbers) { count_rows(numbers, std::int64_t(x.shape(0)), std::int64_t(x.shape(1)), counts.data(), threads); });
}

template <class Column>
void fill_entries(Any x, Array<std::int64_t> starts, Out<Column> columns, nb::ndarray<nb::c_contig, nb::device::cpu> values, int threads) {
    const std::int64_t n = std::int64_t(x.shape(0)), entries = std::int64_t(columns.size());
    check(x.ndim() == 2 && starts.size() == x.shape(0) + 1 && starts.data()[n] == entries);
    check(values.size() == columns.size() && values.dtype() == x.dtype());
    const GilReleased released;
    with_values(kind_of(x), x.data(), [&](auto *numbers) {
        using Value = std::remove_const_t<std::remove_pointer_t<decltype(numbers)>>;
        fill_rows(numbers, n, std::int64_t(x.shape(1)), starts.data(), columns.data(), static_cast<Value *>(values.data()), threads);
    });
}

}  // namespace

NB_MODULE(_fused, m) {
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Set &set : sets_here()) names.push_back(set.name);
        return names;
    });
    const auto bind_feedforward = [&](auto *function) {
        m.def("feedforward", function, nb::arg("isa"), nb::arg("sizes"), nb::arg("activations"), nb::arg("weights"), nb::arg("biases"),
              as_it_is("x"), as_it_is("out"), nb::arg("low"), nb::arg("high"));
    };
    bind_feedforward(feedforward<float>);
    bind_feedforward(feedforward<double>);
    m.def("count_entries", count_entries, as_it_is("x"), as_it_is("counts"), nb::arg("threads"));
    const auto bind_fill_entries = [&](auto *function) {
        m.def("fill_entries", function, as_it_is("x"), as_it_is("starts"), as_it_is("columns"), as_it_is("values"), nb::arg("threads"));
    };
    bind_fill_entries(fill_entries<std::uint16_t>);
    bind_fill_entries(fill_entries<std::uint32_t>);
    nb::class_<PreparedData>(m, "Data")
        .def(nb::init<>())
        .def("dense", &PreparedData::dense)
        .def("sparse", &PreparedData::sparse)
        .def("with_answers", &PreparedData::with_answers, nb::arg("labels").none(), nb::arg("targets").none(), nb::arg("classes").none(),
             nb::arg("weights").none(), nb::arg("n_out"))
        .def_prop_ro("has_classes", [](const PreparedData &self) { return self.data.classes != nullptr; });
    bind_session<float>(m, "SessionF32");
    bind_session<double>(m, "SessionF64");
}
