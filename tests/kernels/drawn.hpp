// Networks, examples and trainings drawn for the kernels' tests, and how the kernels and the plain loop are each given them.
#pragma once
#include <initializer_list>
#include <random>
#include <sstream>
#include <string>

#include "plain.hpp"
#include "records.hpp"
#include "session.hpp"

using chainrule::Kind;

// Numbers that are the same on every machine; the standard library's distributions are not.
class Draw {
   public:
    explicit Draw(std::uint64_t seed) : engine(seed) {}
    long below(long n) { return long(engine() % std::uint64_t(n)); }
    double between(double a, double b) { return float(a + (b - a) * double(engine() >> 11) / 9007199254740992.0); }  // fits either type
    bool one_in(long n) { return below(n) == 0; }
    template <class V>
    V of(std::initializer_list<V> values) { return values.begin()[below(long(values.size()))]; }

   private:
    std::mt19937_64 engine;
};

struct Case {
    plain::Net net;
    plain::Examples examples;
    Kind kind;
    bool sparse;
    bool wide_columns, labelled, weighted, collapses;
    std::vector<std::int64_t> order;
    std::int64_t batch_size;
    std::vector<double> rate, decay;  // one a step

    std::int64_t steps() const { return (std::int64_t(order.size()) + batch_size - 1) / batch_size; }
    long n_in() const { return long(net.layers[0].w[0].size()); }
    long n_out() const { return long(net.layers.back().b.size()); }
    std::string described() const {
        std::ostringstream text;
        text << "sizes " << n_in();
        for (const plain::Layer &layer : net.layers) text << "-" << layer.b.size() << (layer.dropout > 0 ? "d" : "") << " a" << int(layer.activation);
        const plain::Optimizer &o = net.optimizer;
        text << ", cost " << int(net.cost) << ", rule " << int(o.rule) << ", clip " << o.clip << ", l1 " << o.l1 << ", shrink " << o.shrink
             << ", kind " << int(kind) << (sparse ? " sparse" : "") << (wide_columns ? " wide, " : ", ") << (weighted ? "weighted, " : "")
             << examples.x.size() << " examples in batches of " << batch_size;
        return text.str();
    }
};

// Which outputs a cost makes sense with
inline void draw_output(Draw &draw, plain::Net &net) {
    using chainrule::Activation, chainrule::Cost;
    net.cost = Cost(draw.below(5));
    if (net.cost == Cost::log_loss && net.layers.back().b.size() == 1) net.cost = Cost::quadratic;  // a distribution over one
    Activation &output = net.layers.back().activation;
    if (net.cost == Cost::cross_entropy) output = Activation::sigmoid;
    else if (net.cost == Cost::log_loss) output = Activation::softmax;
    else if (net.cost == Cost::poisson) output = draw.of({Activation::sigmoid, Activation::exp, Activation::softmax});
    else output = Activation(draw.below(7));
}

inline plain::Net draw_net(Draw &draw, long n_in, int turn) {
    using chainrule::Activation, chainrule::Rule;
    plain::Net net{};
    long before = n_in;
    const long depth = 1 + draw.below(3);
    for (long l = 0; l < depth; ++l) {
        const long n = draw.of({1, 3, 15, 16, 17, 63, 64, 65, 130});
        plain::Layer layer{plain::Matrix(n, plain::Row(before)), {}, plain::Row(n), {}, Activation(draw.below(6)), 0};
        if (l + 1 < depth) layer.dropout = draw.of({0.0, 0.0, 0.3, 0.5});
        const bool after_exp = l > 0 && net.layers.back().activation == Activation::exp;
        const double most = (after_exp ? 0.3 : 1.2) / std::sqrt(double(before));  // so that no output saturates
        for (plain::Row &row : layer.w)
            for (double &w : row) w = draw.between(-most, most);
        for (double &b : layer.b) b = draw.between(-0.5, 0.5);
        for (int s : {0, 1}) layer.slots_w[s] = plain::Matrix(n, plain::Row(before)), layer.slots_b[s] = plain::Row(n);
        net.layers.push_back(layer);
        before = n;
    }
    draw_output(draw, net);
    net.seed = std::uint64_t(draw.below(1L << 62)) * 4 + 3;
    net.step = draw.of({0, 0, 5});
    plain::Optimizer &o = net.optimizer;
    o = {Rule(turn % 5), 0.9, 0.9, 0.99, 1e-2, 0, draw.of({0.0, 0.0, 1e-3}), draw.of({-1.0, -1.0, 0.05, 3.0}), draw.one_in(2)};
    if (o.rule == Rule::adam) o.shrink = draw.of({0.0, 0.01});
    if (o.rule == Rule::sgd && draw.one_in(2)) o.l1 = 0, o.clip = -1;  // steps in place
    return net;
}

inline plain::Examples draw_examples(Draw &draw, const plain::Net &net, const Case &c, long n) {
    const long n_in = long(net.layers[0].w[0].size()), n_out = long(net.layers.back().b.size());
    plain::Examples e{plain::Matrix(n, plain::Row(n_in)), plain::Matrix(n, plain::Row(n_out)), plain::Row(n, 1), std::vector<int>(n)};
    const bool empty = draw.one_in(8);
    const double density = c.sparse ? draw.of({0.05, 0.3}) : 1;
    for (long i = 0; i < n; ++i) {
        for (double &x : e.x[i]) {
            if (empty || i == 3 || draw.between(0, 1) >= density) continue;
            if (c.kind == Kind::pixels) x = double(draw.below(256)) / 255;
            else x = draw.between(-1, 1);
        }
        e.classes[i] = int(draw.below(std::max(n_out, 2L)));
        if (c.weighted) e.weights[i] = draw.of({0.0, 0.25, 0.75, 1.0});
        plain::Row &y = e.y[i];
        if (c.labelled) y[e.classes[i]] = 1;
        double total = 0;
        for (double &v : y) {
            if (!c.labelled) v = net.cost == chainrule::Cost::poisson ? double(draw.below(4)) : draw.between(0, 1);
            total += v;
        }
        for (double &v : y)
            if (!c.labelled && net.cost == chainrule::Cost::log_loss) v /= total;
    }
    return e;
}

// Every rule over every kind of data in 30 turns; all else by chance
inline Case draw_case(int turn) {
    Draw draw(std::uint64_t(turn) + 1);
    Case c{};
    c.kind = turn % 3 == 0 ? Kind::float32 : turn % 3 == 1 ? Kind::float64 : Kind::pixels;
    c.sparse = turn % 6 > 2;
    c.wide_columns = draw.one_in(2);
    c.net = draw_net(draw, draw.of({1, 15, 16, 17, 63, 64, 65, 130}), turn);
    c.labelled = draw.one_in(2) && c.n_out() > 1;
    c.weighted = draw.one_in(3);
    using chainrule::Activation, chainrule::Cost;
    const auto pair = std::pair(c.net.layers.back().activation, c.net.cost);
    c.collapses = draw.one_in(2) && (pair == std::pair(Activation::identity, Cost::quadratic) || pair == std::pair(Activation::sigmoid, Cost::cross_entropy) ||
                                     pair == std::pair(Activation::softmax, Cost::log_loss) || pair == std::pair(Activation::exp, Cost::poisson));
    const long n = draw.of({1, 2, 9, 20, 33, 170});  // the last in pieces
    c.examples = draw_examples(draw, c.net, c, n);
    for (long i = 0; i < 2 * n; ++i) c.order.push_back(draw.below(n));
    c.batch_size = draw.of({3L, 7L, 16L, n, 2 * n + 5});
    if (n < 10) c.batch_size = draw.of({1L, 2L, n, 2 * n + 5});
    for (std::int64_t k = 0; k < c.steps(); ++k) c.rate.push_back(draw.between(0.001, 0.01)), c.decay.push_back(draw.of({0.0, 0.0, 0.01}));
    return c;
}

// The examples as the kernels take them
class Fed {
   public:
    chainrule::Data data{};

    explicit Fed(const Case &c) {
        data.n = std::int64_t(c.examples.x.size());
        data.n_in = int(c.n_in());
        data.kind = c.kind;
        data.sparse = c.sparse;
        data.wide_columns = c.wide_columns;
        if (c.kind == Kind::pixels) inputs(c, pixels);
        else if (c.kind == Kind::float32) inputs(c, floats);
        else inputs(c, doubles);
        for (const plain::Row &y : c.examples.y)
            for (double v : y) targets.push_back(v);
        classes.assign(c.examples.classes.begin(), c.examples.classes.end());
        weights = c.examples.weights;
        data.classes = classes.data();
        if (c.labelled) data.labels = classes.data();
        else data.targets = targets.data();
        if (c.weighted) data.weights = weights.data();
    }
    Fed(const Fed &) = delete;

   private:
    std::vector<std::uint8_t> pixels, pixel_entries;
    std::vector<float> floats, float_entries;
    std::vector<double> doubles, double_entries, targets, weights;
    std::vector<std::int64_t> starts;
    std::vector<std::uint16_t> narrow;
    std::vector<std::uint32_t> wide;
    std::vector<std::int32_t> classes;

    std::vector<std::uint8_t> &entries(std::uint8_t) { return pixel_entries; }
    std::vector<float> &entries(float) { return float_entries; }
    std::vector<double> &entries(double) { return double_entries; }

    template <class Value>
    void inputs(const Case &c, std::vector<Value> &x) {
        for (const plain::Row &row : c.examples.x)
            for (double v : row) x.push_back(sizeof(Value) == 1 ? Value(std::lround(v * 255)) : Value(v));
        data.values = x.data();
        if (!c.sparse) return;
        starts.assign(data.n + 1, 0);
        chainrule::host::count_rows(x.data(), data.n, data.n_in, starts.data() + 1, 2);
        for (std::int64_t i = 0; i < data.n; ++i) {
            starts[i + 1] += starts[i];
        }
        data.starts = starts.data();
        if (c.wide_columns) records(x, wide);
        else records(x, narrow);
    }

    template <class Value, class Column>
    void records(const std::vector<Value> &x, std::vector<Column> &columns) {
        std::vector<Value> &values = entries(Value());
        columns.resize(starts.back());
        values.resize(starts.back());
        chainrule::host::fill_rows(x.data(), data.n, data.n_in, starts.data(), columns.data(), values.data(), 3);
        chainrule::host::check_records(data, columns.data());
        data.columns = columns.data();
        data.values = values.data();
    }
};

inline chainrule::host::Settings settings_of(const plain::Net &net, long n_in, bool collapses) {
    const plain::Optimizer &o = net.optimizer;
    chainrule::host::Settings s{{n_in}, {}, {}, net.cost, collapses,
                                {o.rule, o.momentum, o.beta1, o.beta2, o.epsilon, o.epsilon_on_raw, o.shrink, o.l1, o.clip}, net.seed, net.step};
    for (const plain::Layer &layer : net.layers) {
        s.sizes.push_back(std::int64_t(layer.b.size()));
        s.activations.push_back(int(layer.activation));
        s.dropout.push_back(layer.dropout);
    }
    return s;
}
