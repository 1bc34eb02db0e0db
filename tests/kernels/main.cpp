// The kernels' own tests, without Python: every instruction set of this machine against a plain loop, over drawn networks; the same bits
// whatever the threads; no allocation in the batch loop; sessions side by side. Built by -DCHAINRULE_TESTS=ON, for scripts/sanitize and
// scripts/emulate. `kernel_tests [cases]`: fewer than 30 leave out what takes long where a processor is emulated.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "allocations.hpp"
#include "drawn.hpp"
#include "sets.hpp"

using chainrule::Batches;
using chainrule::Kernels;
using chainrule::Sums;
using chainrule::host::Session;
using chainrule::host::Set;
using chainrule::host::sets_here;

namespace {

std::string doing;  // what is tested, for the message

void require(bool holds, const std::string &what) {
    if (holds) return;
    std::printf("FAILED: %s\n  in %s\n", what.c_str(), doing.c_str());
    std::exit(1);
}

// Differences are held against the largest number of what is compared.
template <class T>
void require_near(const std::vector<T> &came, const plain::Row &due, const std::string &what) {
    require(came.size() == due.size(), what + ": the count");
    double largest = 1e-2, apart = 0;
    for (double v : due) {
        require(std::isfinite(v), what + ": the plain loop's numbers are finite");
        largest = std::max(largest, std::fabs(v));
    }
    for (std::size_t i = 0; i < due.size(); ++i) apart = std::isnan(came[i]) ? INFINITY : std::max(apart, std::fabs(double(came[i]) - due[i]));
    require(apart <= (sizeof(T) == 4 ? 1e-4 : 1e-11) * largest, what + ": " + std::to_string(1e9 * apart / largest) + " billionths apart");
}

// All numbers of one kind in one row, layer by layer: weights, then biases
template <class T>
using Numbers = std::vector<T>;

template <class T>
Numbers<T> numbers_of(const Session<T> &session, int which) {
    Numbers<T> all;
    for (std::size_t l = 0; l < session.n_layers(); ++l) {
        const auto &layer = session.layer(int(l));
        std::vector<T> w(std::size_t(layer.n_in) * layer.n_out), b(layer.n_out);
        session.get(int(l), which, w.data(), b.data());
        all.insert(all.end(), w.begin(), w.end());
        all.insert(all.end(), b.begin(), b.end());
    }
    return all;
}

template <class Part>
plain::Row row_of(const plain::Net &net, Part &&part) {
    plain::Row all;
    for (std::size_t l = 0; l < net.layers.size(); ++l) {
        const auto [w, b] = part(l);
        for (const plain::Row &row : *w) all.insert(all.end(), row.begin(), row.end());
        all.insert(all.end(), b->begin(), b->end());
    }
    return all;
}
plain::Row parameters_of(const plain::Net &net) {
    return row_of(net, [&](std::size_t l) { return std::pair(&net.layers[l].w, &net.layers[l].b); });
}
plain::Row slots_of(const plain::Net &net, int k) {
    return row_of(net, [&](std::size_t l) { return std::pair(&net.layers[l].slots_w[k], &net.layers[l].slots_b[k]); });
}

int slots_of(chainrule::Rule rule) { return rule == chainrule::Rule::sgd ? 0 : rule == chainrule::Rule::adam ? 2 : 1; }

template <class T, class Row>
void put(Session<T> &session, int which, const Row &all) {
    auto from = all.begin();
    for (std::size_t l = 0; l < session.n_layers(); ++l) {
        const auto &layer = session.layer(int(l));
        const std::vector<T> w(from, from + std::ptrdiff_t(layer.n_in) * layer.n_out);
        from += std::ptrdiff_t(w.size());
        const std::vector<T> b(from, from + layer.n_out);
        from += layer.n_out;
        session.put(int(l), which, w.data(), b.data());
    }
}

// The outputs of dense rows through arrays as their owner holds them, none longer than its numbers
template <class T>
Numbers<T> outputs_of_few(const Kernels<T> &kernels, const Case &c, const Fed &fed) {
    std::vector<std::vector<T>> weights, biases;
    std::vector<chainrule::FewLayer<T>> layers;
    long widest = c.n_in();
    for (const plain::Layer &layer : c.net.layers) {
        weights.emplace_back();
        for (const plain::Row &row : layer.w) weights.back().insert(weights.back().end(), row.begin(), row.end());
        biases.emplace_back(layer.b.begin(), layer.b.end());
        layers.push_back({long(layer.w[0].size()), long(layer.b.size()), layer.activation, weights.back().data(), biases.back().data()});
        widest = std::max(widest, layers.back().n_out);
    }
    const long width = chainrule::padded(widest, chainrule::line<T>);
    std::vector<T> room(2 * width);
    Numbers<T> out(fed.data.n * c.n_out());
    const chainrule::Few<T> net{int(layers.size()), layers.data(), {room.data(), room.data() + width}};
    kernels.few(net, c.kind, fed.data.values, fed.data.n, out.data());
    return out;
}

// What the plain loop makes of a case
struct Due {
    plain::Net trained;
    plain::Row costs, squares, outputs, gradient;
    plain::Sums before;
    std::vector<plain::Sums> steps;
};

Due due_of(const Case &c) {
    Due due{c.net, {}, {}, {}, {}, {}, {}};
    plain::Gradient gradient = plain::zeros(c.net);
    for (std::size_t i = 0; i < c.examples.x.size(); ++i) {
        plain::Matrix zs, as;
        plain::feedforward(c.net, c.examples.x[i], -1, zs, as);
        due.outputs.insert(due.outputs.end(), as.back().begin(), as.back().end());
        plain::backprop(c.net, c.examples, std::int64_t(i), -1, gradient, due.before);
    }
    due.gradient = row_of(c.net, [&](std::size_t l) { return std::pair(&gradient.w[l], &gradient.b[l]); });
    for (std::int64_t k = 0; k < c.steps(); ++k) {
        const long first = long(k * c.batch_size), m = std::min<long>(c.batch_size, long(c.order.size()) - first);
        double squares = 0;
        for (const plain::Layer &layer : due.trained.layers)
            for (const plain::Row &row : layer.w)
                for (double w : row) squares += w * w;
        due.squares.push_back(squares);
        due.steps.push_back(plain::step(due.trained, c.examples, c.order.data() + first, m, c.rate[k], c.decay[k]));
        due.costs.push_back(due.steps.back().cost);
    }
    return due;
}

// What the kernels make of it: everything in rows, so that two runs can be compared bit by bit.
template <class T>
struct Came {
    Numbers<T> outputs, gradient, parameters, slots[2];
    std::vector<double> costs, right, squares;
    double cost = 0, right_before = 0, total = 0;
    std::int64_t step = 0;
    bool operator==(const Came &) const = default;
};

template <class T>
Came<T> run(const Kernels<T> &kernels, const Case &c, const Fed &fed, int threads, bool choosing, bool in_two) {
    Came<T> came;
    Session<T> session(kernels, settings_of(c.net, c.n_in(), c.collapses), threads, choosing);
    put(session, -1, parameters_of(c.net));
    const std::int64_t n = fed.data.n, steps = c.steps();
    came.outputs.resize(n * c.n_out());
    session.evaluate(fed.data, came.outputs.data());
    const Sums sums = session.evaluate(fed.data);
    came.cost = sums.cost, came.right_before = sums.right, came.total = sums.total;
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < n; ++i) rows.push_back(i);
    const Sums of_gradient = session.gradient(fed.data, rows.data(), n);
    require(std::fabs(of_gradient.cost - sums.cost) <= 1e-12 * std::fabs(sums.cost), "gradient and evaluate give one cost");
    came.gradient = numbers_of(session, 2);

    came.costs.resize(steps), came.right.resize(steps), came.squares.resize(steps);
    const auto batches = [&](std::int64_t from, std::int64_t to) {
        const std::int64_t first = from * c.batch_size, length = std::min(to * c.batch_size, std::int64_t(c.order.size())) - first;
        return Batches{c.order.data() + first, length, c.batch_size, length, 0, c.rate.data() + from, c.decay.data() + from,
                       came.costs.data() + from, came.right.data() + from, came.squares.data() + from, true};
    };
    const auto finish = [&](Session<T> &s) {
        came.step = s.step();
        came.parameters = numbers_of(s, -1);
        for (int k = 0; k < slots_of(c.net.optimizer.rule); ++k) came.slots[k] = numbers_of(s, k);
        require(s.finite(), "the parameters are finite");
    };
    const std::int64_t half = in_two ? steps / 2 : steps;
    session.advance(fed.data, batches(0, half));
    finish(session);
    if (!in_two) return came;
    plain::Net at_half = c.net;  // its settings, for a second session that goes on from the first one's state
    at_half.step = came.step;
    Session<T> second(kernels, settings_of(at_half, c.n_in(), c.collapses), threads, choosing);
    put(second, -1, came.parameters);
    for (int k = 0; k < slots_of(c.net.optimizer.rule); ++k) put(second, k, came.slots[k]);
    second.advance(fed.data, batches(half, steps));
    finish(second);
    return came;
}

template <class T>
void test_case(const Set &set, const Case &c, const Fed &fed, const Due &due) {
    const auto &kernels = std::get<const Kernels<T> &>(set.kernels);
    const Came<T> came = run<T>(kernels, c, fed, 1, false, false);
    require_near(came.outputs, due.outputs, "forward");
    const bool dark = c.kind == Kind::pixels && std::any_of(c.examples.x.begin(), c.examples.x.end(), [](const plain::Row &x) { return *std::max_element(x.begin(), x.end()) < 0.005; });
    if (!c.sparse && !dark) require_near(outputs_of_few(kernels, c, fed), due.outputs, "few");
    require_near(std::vector<T>{T(came.cost)}, {due.before.cost}, "the cost of evaluate");
    require(std::fabs(came.right_before - due.before.right) <= due.before.doubtful, "what evaluate finds right");
    require(came.total == due.before.total, "the weight of evaluate");
    require_near(came.gradient, due.gradient, "gradient");
    require_near(std::vector<T>(came.costs.begin(), came.costs.end()), due.costs, "the costs of advance");
    require_near(std::vector<T>(came.squares.begin(), came.squares.end()), due.squares, "the squares of advance");
    for (std::size_t k = 0; k < due.steps.size(); ++k)
        require(std::any_of(c.net.layers.begin(), c.net.layers.end(), [](const plain::Layer &l) { return l.dropout > 0; }) ||
                    std::fabs(came.right[k] - due.steps[k].right) <= due.steps[k].doubtful,
                "what advance finds right");
    require_near(came.parameters, parameters_of(due.trained), "the parameters after advance");
    for (int k = 0; k < slots_of(c.net.optimizer.rule); ++k) require_near(came.slots[k], slots_of(due.trained, k), "the slots after advance");
    require(came.step == due.trained.step, "the number of steps");
    for (const int threads : {2, 3}) require(run<T>(kernels, c, fed, threads, false, false) == came, "the same bits with more threads");
    require(run<T>(kernels, c, fed, 2, true, false) == came, "the same bits with a chosen number of threads");
    if (c.steps() < 2) return;
    const Came<T> in_two = run<T>(kernels, c, fed, 2, false, true);
    require_near(in_two.parameters, parameters_of(due.trained), "going on from a state");
    require_near(std::vector<T>(in_two.squares.begin(), in_two.squares.end()), due.squares, "the squares after going on");
}

// More columns than 16 bits can say, and more rows than one piece of an evaluation
Case wide_case() {
    Case c = draw_case(25);
    Draw draw(0);
    c.net = draw_net(draw, 65600, 0);
    c.net.layers.resize(1);
    plain::Layer &layer = c.net.layers[0];
    layer.w.resize(2), layer.b.resize(2);
    layer.w.resize(2, plain::Row(65600)), layer.b.resize(2, 0.25);
    layer.dropout = 0;
    for (int s : {0, 1}) layer.slots_w[s] = plain::Matrix(2, plain::Row(65600)), layer.slots_b[s] = plain::Row(2);
    layer.activation = chainrule::Activation::sigmoid;
    c.net.cost = chainrule::Cost::quadratic;
    c.net.optimizer.l1 = 0, c.net.optimizer.clip = -1;
    c.sparse = true, c.wide_columns = true, c.labelled = true, c.collapses = false;
    c.examples = draw_examples(draw, c.net, c, 3);
    for (plain::Row &x : c.examples.x) x.back() = 1;
    c.order = {0, 2, 1, 1};
    c.batch_size = 3;
    c.rate = {0.5, 0.5}, c.decay = {0, 0.1};
    return c;
}

Case long_case() {
    Case c = draw_case(2);
    Draw draw(5);
    c.net = draw_net(draw, 17, 3);
    c.net.layers.resize(1);
    c.net.layers[0].dropout = 0;
    draw_output(draw, c.net);
    c.labelled = c.collapses = false, c.weighted = true;
    c.examples = draw_examples(draw, c.net, c, 700);
    c.order.clear();
    for (long i = 0; i < 700; ++i) c.order.push_back(699 - i);
    c.batch_size = 300;
    c.rate.assign(3, 0.01), c.decay.assign(3, 0);
    return c;
}

Case busy_case() {
    Case c = long_case();
    c.net.optimizer = {chainrule::Rule::adam, 0, 0.9, 0.99, 1e-2, 0, 0, -1, false};
    c.order.clear();
    for (long i = 0; i < 2000; ++i) c.order.push_back(i % 700);
    c.batch_size = 10;
    c.rate.assign(200, 0.01), c.decay.assign(200, 0);
    return c;
}

template <class T>
void train(Session<T> &session, const Case &c, const Fed &fed, std::int64_t steps) {
    std::vector<double> costs(steps), right(steps);
    const std::int64_t length = steps * c.batch_size;
    session.advance(fed.data, {c.order.data(), length, c.batch_size, length, 0, c.rate.data(), c.decay.data(), costs.data(), right.data(), nullptr, true});
}

void test_allocations(const Set &set, int turn) {
    Case c = draw_case(turn);
    c.order.resize(0);
    for (long i = 0; i < 200 * 4; ++i) c.order.push_back(i % long(c.examples.x.size()));
    c.batch_size = 4;
    c.rate.assign(200, 0.001), c.decay.assign(200, 0.01);
    const Fed fed(c);
    for (const int threads : {1, 2}) {
        Session<float> session(std::get<0>(set.kernels), settings_of(c.net, c.n_in(), c.collapses), threads, false);
        put(session, -1, parameters_of(c.net));
        std::vector<double> costs(200), right(200);
        const auto counted = [&](std::int64_t steps) {
            const long before = allocations();
            session.advance(fed.data, {c.order.data(), steps * 4, 4, steps * 4, 0, c.rate.data(), c.decay.data(), costs.data(), right.data(), nullptr, true});
            return allocations() - before;
        };
        require(counted(200) > 0, "the workspace is counted");
        const long two = counted(2);
        require(counted(200) == two, "200 steps allocate no more than 2");
    }
}

// Two threads of the caller's, each with a session of two workers over the same examples, get what one gets alone.
void test_side_by_side(const Set &set, const Case &c, const Fed &fed) {
    const auto trained = [&] {
        Session<float> session(std::get<0>(set.kernels), settings_of(c.net, c.n_in(), c.collapses), 2, false);
        put(session, -1, parameters_of(c.net));
        train(session, c, fed, 100);
        return numbers_of(session, -1);
    };
    const Numbers<float> alone = trained();
    Numbers<float> first, second;
    std::thread other([&] { second = trained(); });
    first = trained();
    other.join();
    require(first == alone && second == alone, "sessions side by side don't touch one another");
}

// A session that another thread works with is refused, and not disturbed.
void test_one_at_a_time(const Set &set, const Case &c, const Fed &fed) {
    Session<float> session(std::get<0>(set.kernels), settings_of(c.net, c.n_in(), c.collapses), 2, false);
    put(session, -1, parameters_of(c.net));
    std::atomic<bool> over = false;
    bool refused = false;
    std::thread other([&] {
        while (!over) try {
            train(session, c, fed, 200);
        } catch (const std::runtime_error &) {}
    });
    while (!refused) try {
        session.evaluate(fed.data);
    } catch (const std::runtime_error &) {
        refused = true;
    }
    over = true;
    other.join();
    require(session.finite(), "a refused call changes nothing");
}

// A call finds room enough in a session that has made none so far, and in one that made it for rows of another kind: else the sanitizers see
// it write beyond.
void test_room(const Set &set) {
    const Case c = long_case();
    Case listed = c;
    listed.sparse = true;
    const Fed fed(c), fed_lists(listed);
    const auto evaluated = [&](int threads, bool after_lists) {
        Session<float> session(std::get<0>(set.kernels), settings_of(c.net, c.n_in(), c.collapses), threads, false);
        put(session, -1, parameters_of(c.net));
        if (after_lists) train(session, listed, fed_lists, 2), put(session, -1, parameters_of(c.net));
        return session.evaluate(fed.data).cost;
    };
    const double due = evaluated(1, false);
    require(evaluated(3, false) == due, "several threads evaluate in a session that did nothing before");
    require(evaluated(1, true) == due, "dense rows are evaluated after a training by lists");
}

template <class F>
void require_refused(F &&f, const std::string &what) {
    try {
        f();
    } catch (const std::exception &) {
        return;
    }
    require(false, what + " is refused");
}

void test_records() {
    const std::vector<std::int64_t> starts = {0, 2, 2, 3}, falling = {0, 2, 1, 3}, too_far = {0, 5, 2, 3};
    const std::vector<std::uint16_t> columns = {1, 4, 0}, equal = {4, 4, 0}, sinking = {4, 1, 0}, outside = {1, 5, 0};
    chainrule::Data data{};
    data.n = 3, data.n_in = 5, data.starts = starts.data();
    chainrule::host::check_records(data, columns.data());
    for (const auto *wrong : {&equal, &sinking, &outside}) require_refused([&] { chainrule::host::check_records(data, wrong->data()); }, "a wrong column");
    for (const auto *wrong : {&falling, &too_far}) {
        data.starts = wrong->data();
        require_refused([&] { chainrule::host::check_records(data, columns.data()); }, "a wrong start");
    }
    const std::vector<float> x = {0, 1, -0.0f, 2, 0, 0, 0, 0, 0, 0};
    const std::vector<std::int64_t> stale = {0, 2, 3};
    std::vector<std::uint32_t> filled(3);
    std::vector<float> values(3);
    require_refused([&] { chainrule::host::fill_rows(x.data(), 2, 5, stale.data(), filled.data(), values.data(), 2); }, "x that changed");
}

}  // namespace

int main(int argc, char **argv) {
    const int cases = argc > 1 ? std::atoi(argv[1]) : 60;
    const bool long_ones = cases >= 30;
    const std::vector<Set> sets = sets_here();
    std::printf("instruction sets:");
    for (const Set &set : sets) std::printf(" %s", set.name.c_str());
    std::printf("\n");
    test_records();
    for (int turn = 0; turn < cases + 2 * long_ones; ++turn) {
        const Case c = turn < cases ? draw_case(turn) : turn == cases ? wide_case() : long_case();
        const Fed fed(c);
        const Due due = due_of(c);
        for (const Set &set : sets) {
            doing = set.name + ", double, case " + std::to_string(turn) + ": " + c.described();
            test_case<double>(set, c, fed, due);
            doing = set.name + ", float, case " + std::to_string(turn) + ": " + c.described();
            test_case<float>(set, c, fed, due);
        }
    }
    const Case busy = busy_case();
    const Fed fed(busy);
    for (const Set &set : sets) {
        doing = set.name + ", allocations";
        for (int turn = 0; turn < std::min(cases, 30); ++turn) test_allocations(set, turn);
        if (!long_ones) continue;
        doing = set.name + ", room";
        test_room(set);
        doing = set.name + ", several threads of the caller's";
        test_side_by_side(set, busy, fed);
        test_one_at_a_time(set, busy, fed);
    }
    std::printf("%d cases passed\n", cases);
}
