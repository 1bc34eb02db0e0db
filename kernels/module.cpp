// The Python module: sessions that own their memory, and the choice of an instruction set.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "net.hpp"

namespace nb = nanobind;
using namespace chainrule;

#ifdef CHAINRULE_X86
#define CHAINRULE_SETS(X) X(v4) X(v3) X(v2)
#else
#define CHAINRULE_SETS(X) X(generic)
#endif

#define DECLARE(isa) namespace chainrule::isa { extern const Table table; }
CHAINRULE_SETS(DECLARE)

namespace {

const Table *named(const std::string &name) {
#define OFFER(isa) if (name == #isa) return &chainrule::isa::table;
    CHAINRULE_SETS(OFFER)
    return nullptr;
}

bool runs_here(const std::string &name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (name == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
    if (name == "v3") return v3;
    if (name == "v4")
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return name == "generic";
}

template <class T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// Aligned memory, all 0, given back at the end.
class Arena {
   public:
    template <class T>
    T *take(long count) {
        // An odd number of cache lines between arrays, so that w, m and v of one place don't fall into one cache set.
        const std::size_t bytes = (std::size_t(count) * sizeof(T) + 127) / 64 * 64;
        auto *p = static_cast<T *>(std::aligned_alloc(64, bytes));
        if (!p) throw std::bad_alloc();
        std::memset(p, 0, bytes);
        blocks.emplace_back(p, &std::free);
        return p;
    }
    void clear() { blocks.clear(); }

   private:
    std::vector<std::unique_ptr<void, void (*)(void *)>> blocks;
};

struct PreparedData {
    Data data{};
    std::vector<nb::object> keep;
};

template <class T>
const Kernels<T> &kernels_of(const Table &table) {
    if constexpr (sizeof(T) == 4) return table.f32;
    else return table.f64;
}

template <class T>
class Session {
   public:
    Session(const std::string &isa, const std::vector<long> &sizes, const std::vector<int> &activations, const std::vector<double> &dropout,
            int cost, bool collapses, int rule, const std::vector<double> &settings, std::uint64_t seed, std::int64_t step)
        : table(named(isa)), layers(sizes.size() - 1) {
        if (!table || !runs_here(isa)) throw std::invalid_argument("this machine has no instruction set " + isa);
        const long lane = table->vector_bytes / long(sizeof(T));
        const auto padded = [&](long n) { return (n + lane - 1) / lane * lane; };
        net.n_layers = int(layers.size());
        net.layers = layers.data();
        net.cost = Cost(cost);
        net.collapses = collapses;
        net.optimizer = {Rule(rule), settings[0], settings[1], settings[2], settings[3], settings[4] != 0, settings[5], settings[6], settings[7]};
        net.seed = seed;
        net.step = step;
        slots = rule == int(Rule::sgd) ? 0 : rule == int(Rule::adam) ? 2 : 1;
        for (int l = 0; l < net.n_layers; ++l) {
            Layer<T> &layer = layers[l];
            layer = {};
            layer.n_in = int(sizes[l]);
            layer.n_out = int(sizes[l + 1]);
            layer.ld = padded(layer.n_out);
            layer.activation = Activation(activations[l]);
            layer.dropout = dropout[l];
            const long count = layer.n_in * layer.ld;
            layer.w = memory.take<T>(count);
            layer.b = memory.take<T>(layer.ld);
            layer.gradient_w = memory.take<T>(count);
            layer.gradient_b = memory.take<T>(layer.ld);
            if (l) layer.ldt = layers[l - 1].ld, layer.wt = memory.take<T>(layer.n_out * layer.ldt);
            for (int s = 0; s < slots; ++s) layer.slots_w[s] = memory.take<T>(count), layer.slots_b[s] = memory.take<T>(layer.ld);
        }
    }

    Session(const Session &) = delete;

    // which: -1 the parameters, 0 and 1 the slots
    void put(int l, int which, Array<T> w, Array<T> b) {
        Layer<T> &layer = layers.at(l);
        check(w.size() == std::size_t(layer.n_in) * layer.n_out && b.size() == std::size_t(layer.n_out));
        T *to_w = which < 0 ? layer.w : layer.slots_w[which], *to_b = which < 0 ? layer.b : layer.slots_b[which];
        for (long o = 0; o < layer.n_out; ++o) {
            to_b[o] = b.data()[o];
            for (long k = 0; k < layer.n_in; ++k) to_w[k * layer.ld + o] = w.data()[o * layer.n_in + k];
            if (which < 0 && l)
                for (long k = 0; k < layer.n_in; ++k) layer.wt[o * layer.ldt + k] = w.data()[o * layer.n_in + k];
        }
    }

    // which: -1 the parameters, 0 and 1 the slots, 2 the gradient
    void get(int l, int which, Out<T> w, Out<T> b) const {
        const Layer<T> &layer = layers.at(l);
        check(w.size() == std::size_t(layer.n_in) * layer.n_out && b.size() == std::size_t(layer.n_out));
        const T *from_w = which < 0 ? layer.w : which == 2 ? layer.gradient_w : layer.slots_w[which];
        const T *from_b = which < 0 ? layer.b : which == 2 ? layer.gradient_b : layer.slots_b[which];
        for (long o = 0; o < layer.n_out; ++o) {
            b.data()[o] = from_b[o];
            for (long k = 0; k < layer.n_in; ++k) w.data()[o * layer.n_in + k] = from_w[k * layer.ld + o];
        }
    }

    void advance(const PreparedData &data, Array<std::int64_t> order, std::int64_t size, Array<double> rate, Array<double> decay,
                 Out<double> costs, Out<double> right) {
        const std::int64_t length = std::int64_t(order.size()), steps = (length + size - 1) / size;
        check(size > 0 && std::int64_t(rate.size()) == steps && std::int64_t(decay.size()) == steps &&
              std::int64_t(costs.size()) == steps && std::int64_t(right.size()) == steps && suits(data.data));
        for (std::int64_t i = 0; i < length; ++i) check(order.data()[i] >= 0 && order.data()[i] < data.data.n);
        reserve(std::min(size, length));
        const Batches batches{order.data(), length, size, rate.data(), decay.data(), costs.data(), right.data()};
        nb::gil_scoped_release released;
        kernels_of<T>(*table).advance(net, data.data, batches);
    }

    std::tuple<double, double, double> evaluate(const PreparedData &data) {
        check(suits(data.data));
        reserve(std::min<std::int64_t>(chunk, data.data.n));
        Sums sums{0, 0, 0};
        nb::gil_scoped_release released;
        for (std::int64_t first = 0; first < data.data.n; first += chunk)
            kernels_of<T>(*table).evaluate(net, data.data, first, std::min<std::int64_t>(chunk, data.data.n - first), sums);
        return {sums.cost, sums.right, sums.total};
    }

    double gradient(const PreparedData &data, Array<std::int64_t> rows) {
        check(suits(data.data));
        for (std::size_t i = 0; i < rows.size(); ++i) check(rows.data()[i] >= 0 && rows.data()[i] < data.data.n);
        reserve(std::int64_t(rows.size()));
        for (Layer<T> &layer : layers) std::memset(layer.gradient_w, 0, sizeof(T) * layer.n_in * layer.ld);
        Sums sums{0, 0, 0};
        nb::gil_scoped_release released;
        kernels_of<T>(*table).gradient(net, data.data, rows.data(), std::int64_t(rows.size()), sums);
        return sums.cost;
    }

    void forward(const PreparedData &data, Out<T> out) {
        const Layer<T> &last = layers.back();
        check(data.data.n_in == layers[0].n_in && out.size() == std::size_t(data.data.n) * last.n_out);
        reserve(std::min<std::int64_t>(chunk, data.data.n));
        nb::gil_scoped_release released;
        for (std::int64_t first = 0; first < data.data.n; first += chunk) {
            const std::int64_t m = std::min<std::int64_t>(chunk, data.data.n - first);
            kernels_of<T>(*table).forward(net, data.data, first, m);
            for (std::int64_t i = 0; i < m; ++i) std::copy_n(last.a + i * last.ld, last.n_out, out.data() + (first + i) * last.n_out);
        }
    }

    std::int64_t step() const { return net.step; }

    // Whether no weight or bias is NaN or infinite: a finite number times 0 is 0, and a sum of zeros is 0.
    bool finite() const {
        T sum = 0;
        for (const Layer<T> &layer : layers) {
            for (long i = 0; i < layer.n_in * layer.ld; ++i) sum += layer.w[i] * 0;
            for (long o = 0; o < layer.ld; ++o) sum += layer.b[o] * 0;
        }
        return sum == 0;
    }

   private:
    static constexpr std::int64_t chunk = 128;
    const Table *table;
    Net<T> net{};
    std::vector<Layer<T>> layers;
    Arena memory, workspace;
    std::int64_t reserved = 0;
    int slots = 0;

    static void check(bool holds) {
        if (!holds) throw std::invalid_argument("the arrays do not fit the session");
    }
    bool suits(const Data &data) const { return data.n_in == layers[0].n_in && (data.labels || data.targets); }

    // Make room for batches of m rows.
    void reserve(std::int64_t m) {
        if (m <= reserved) return;
        workspace.clear();
        reserved = m;
        net.x = workspace.take<T>(m * layers[0].n_in);
        for (Layer<T> &layer : layers) {
            layer.a = workspace.take<T>(m * layer.ld);
            layer.delta = workspace.take<T>(m * layer.ld);
            if (layer.dropout > 0) layer.h = workspace.take<T>(m * layer.ld), layer.mask = workspace.take<T>(m * layer.ld);
        }
    }
};

Kind kind_of(const std::string &name) {
    return name == "float32" ? Kind::float32 : name == "float64" ? Kind::float64 : name == "uint8" ? Kind::pixels : throw std::invalid_argument(name);
}

nb::object pointer(nb::object array, const void *&p) {
    if (array.is_none()) return array;
    p = nb::cast<nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>>(array).data();
    return array;
}

template <class T>
void bind_session(nb::module_ &m, const char *name) {
    nb::class_<Session<T>>(m, name)
        .def(nb::init<const std::string &, const std::vector<long> &, const std::vector<int> &, const std::vector<double> &, int, bool, int,
                      const std::vector<double> &, std::uint64_t, std::int64_t>())
        .def("put", &Session<T>::put)
        .def("get", &Session<T>::get)
        .def("advance", &Session<T>::advance)
        .def("evaluate", &Session<T>::evaluate)
        .def("gradient", &Session<T>::gradient)
        .def("forward", &Session<T>::forward)
        .def("step", &Session<T>::step)
        .def("finite", &Session<T>::finite);
}

}  // namespace

NB_MODULE(_fused, m) {
    m.def("instruction_sets", [] {
        std::vector<std::string> here;
#define LIST(isa) if (runs_here(#isa)) here.push_back(#isa);
        CHAINRULE_SETS(LIST)
        return here;
    });
    nb::class_<PreparedData>(m, "Data").def("__init__", [](PreparedData *self, std::int64_t n, int n_in, const std::string &kind, nb::object x,
                                                           nb::object starts, nb::object columns, bool wide, nb::object values,
                                                           nb::object labels, nb::object targets, nb::object classes, nb::object weights) {
        new (self) PreparedData();
        Data &d = self->data;
        d.n = n;
        d.n_in = n_in;
        const void *p[8] = {};
        nb::object all[8] = {x, starts, columns, values, labels, targets, classes, weights};
        for (int i = 0; i < 8; ++i) self->keep.push_back(pointer(all[i], p[i]));
        d.kind = starts.is_none() ? kind_of(kind) : Kind::sparse;
        d.value_kind = kind_of(kind);
        d.x = p[0];
        d.starts = static_cast<const std::int64_t *>(p[1]);
        d.columns = p[2];
        d.wide_columns = wide;
        d.values = p[3];
        d.labels = static_cast<const std::int32_t *>(p[4]);
        d.targets = static_cast<const double *>(p[5]);
        d.classes = static_cast<const std::int32_t *>(p[6]);
        d.weights = static_cast<const double *>(p[7]);
    }, nb::arg("n"), nb::arg("n_in"), nb::arg("kind"), nb::arg("x").none(), nb::arg("starts").none(), nb::arg("columns").none(),
       nb::arg("wide"), nb::arg("values").none(), nb::arg("labels").none(), nb::arg("targets").none(), nb::arg("classes").none(),
       nb::arg("weights").none())
        .def_prop_ro("has_classes", [](const PreparedData &self) { return self.data.classes != nullptr; });
    bind_session<float>(m, "SessionF32");
    bind_session<double>(m, "SessionF64");
}
