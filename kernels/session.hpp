// A network in training: it owns the memory that the kernels work in.
#pragma once
#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "arena.hpp"
#include "pool.hpp"

namespace chainrule::host {  // compiled once, for any processor

// What a session is made from
struct Settings {
    std::vector<std::int64_t> sizes;
    std::vector<int> activations;     // by number, in the order of net.hpp
    std::vector<double> dropout;
    Cost cost;
    bool collapses;
    Optimizer optimizer;
    std::uint64_t seed;
    std::int64_t step;
};

template <class T>
class Session {
   public:
    Session(const Kernels<T> &kernels, const Settings &s, int threads, bool choosing)
        : kernels(kernels), threads(std::max(1, threads)), choosing(choosing), layers(s.sizes.size() - 1), lists(this->threads) {
        net = {.n_layers = int(layers.size()), .layers = layers.data(), .cost = s.cost, .collapses = s.collapses, .optimizer = s.optimizer,
               .lists = lists.data(), .seed = s.seed, .step = s.step};
        const int slots = s.optimizer.rule == Rule::sgd ? 0 : s.optimizer.rule == Rule::adam ? 2 : 1;
        for (int l = 0; l < net.n_layers; ++l) {
            Layer<T> &layer = layers[l];
            layer.n_in = int(s.sizes[l]);
            layer.n_out = int(s.sizes[l + 1]);  // zip(sizes[:-1], sizes[1:]), turned (N9)
            layer.ld = padded(layer.n_out, line<T>);
            layer.stride = stride_of(layer.ld);
            layer.activation = Activation(s.activations[l]);
            layer.dropout = s.dropout[l];
            layer.by_inputs = l == 0;
            const long columns = l ? padded(layer.n_in, line<T>) : layer.ld;
            if (l) layer.w = {nullptr, layer.n_out, columns, columns};
            else layer.w = {nullptr, layer.n_in, columns, part_of(columns)};
            // A worker's units of a sparse layer are panels of its own: lines side by side that two cores write to would go to and fro.
            layer.grain = l ? line<T> : layer.w.part;
            layer.w.at = memory.take<T>(count_of(layer));
            layer.b = memory.take<T>(layer.ld);
            if (l == 0) layer.met = memory.take<std::uint8_t>(layer.n_in), net.columns = memory.take<double>(2 * layer.ld);
            if (net.optimizer.clip >= 0) make_gradient(layer);
            for (int k = 0; k < slots; ++k) layer.slots_w[k] = memory.take<T>(count_of(layer)), layer.slots_b[k] = memory.take<T>(layer.ld);
        }
    }

    std::int64_t n_in() const { return layers.front().n_in; }
    std::int64_t n_out() const { return layers.back().n_out; }
    std::int64_t step() const { return net.step; }
    std::size_t n_layers() const { return layers.size(); }
    const Layer<T> &layer(int l) const { return layers.at(l); }
    std::int64_t size() const {
        const auto more = [](std::int64_t sum, const Layer<T> &layer) { return sum + (layer.n_in + 1L) * layer.n_out; };
        return std::accumulate(layers.begin(), layers.end(), std::int64_t(0), more);
    }
    // f(l, w, b) for every layer, of numbers that lie in one row: all w, (n_out, n_in), then all b
    template <class Number, class F>
    void each_layer(Number *w, F &&f) const {
        Number *b = w + size();
        for (const Layer<T> &layer : layers) b -= layer.n_out;
        for (int l = 0; l < net.n_layers; w += long(layers[l].n_in) * layers[l].n_out, b += layers[l++].n_out) f(l, w, b);
    }

    // which: -1 the parameters, 0 and 1 the slots, 2 the gradient; w is (n_out, n_in), b (n_out,)
    void put(int l, int which, const T *w, const T *b) {
        const auto lock = alone();
        net.columns_known = false;
        const Layer<T> &layer = layers.at(l);
        const auto [to_w, to_b] = arrays_of(layer, which);
        std::copy_n(b, layer.n_out, to_b);
        each_weight(layer, [&](long o, long k, long at) {
            to_w[at] = w[o * layer.n_in + k];
            if (which >= 0 && l == 0) layer.met[k] |= to_w[at] != 0;
        });
    }

    void get(int l, int which, T *w, T *b) const {
        const auto lock = alone();
        const Layer<T> &layer = layers.at(l);
        const auto [from_w, from_b] = arrays_of(layer, which);
        std::copy_n(from_b, layer.n_out, b);
        each_weight(layer, [&](long o, long k, long at) { w[o * layer.n_in + k] = from_w[at]; });
    }

    void advance(const Data &data, const Batches &batches) {
        const auto lock = alone();
        reserve(std::min(batches.size, batches.epoch), data, goes_in_place(net.optimizer) ? 0 : most_entries(data, batches));
        const int most = workers_of(data);
        for (std::int64_t done = 0, k = 0; done < batches.length;) {
            const Pilot::Slice slice = next_slice(most, batches.length);
            std::int64_t length = 0, steps = 0;
            for (; steps < slice.steps && done + length < batches.length; ++steps) length += batches.size_at(done + length);
            const Batches part{batches.order + done, length, batches.size, batches.epoch, done % batches.epoch, batches.rate + k, batches.decay + k,
                               batches.costs + k, batches.right + k, batches.squares ? batches.squares + k : nullptr, done + length == batches.length};
            run({slice.together, steps}, most, [&](const Worker &worker) { kernels.advance(net, data, part, worker); });
            done += length;
            k += steps;
        }
    }

    // The sums over all rows, or where `out` is given their outputs
    Sums evaluate(const Data &data, T *out = nullptr) {
        const auto lock = alone();
        const auto weights_of = [](double sum, const Layer<T> &layer) { return sum + double(layer.n_in) * layer.n_out; };
        const bool short_work = double(data.n) * std::accumulate(layers.begin(), layers.end(), 0.0, weights_of) < 1e6;  // than waking a thread
        const int workers = choosing && short_work ? 1 : int(std::min<std::int64_t>(threads, (data.n + piece - 1) / piece));
        reserve(std::min(piece, data.n) * workers, data);
        std::vector<Sums> pieces((data.n + piece - 1) / piece);
        Pool::here().run(workers, [&](const Worker &worker) { kernels.evaluate(net, data, piece, out, pieces.data(), worker); });
        Sums sums{0, 0, 0};
        for (const Sums &more : pieces) add(sums, more);
        return sums;
    }

    Sums gradient(const Data &data, const std::int64_t *rows, std::int64_t n) {
        const auto lock = alone();
        for (Layer<T> &layer : layers) make_gradient(layer);
        const std::int64_t size = !data.sparse && pieces_of(net, 8 * piece) > 1 ? 8 * piece : piece;
        const Batches all{.order = rows, .length = n, .size = size, .epoch = n};
        reserve(std::min(size, n), data, most_entries(data, all));
        Sums sums{0, 0, 0};
        const int most = int(std::min<std::int64_t>(threads, (n + piece - 1) / piece));
        run({next_slice(most, 1).together, 1}, most, [&](const Worker &worker) { kernels.gradient(net, data, rows, n, size, &sums, worker); });
        return sums;
    }

    // Whether no weight or bias is NaN or infinite
    bool finite() const {
        const auto fine = [](const Layer<T> &layer) { return all_finite(layer.w.at, count_of(layer)) && all_finite(layer.b, layer.ld); };
        return std::all_of(layers.begin(), layers.end(), fine);
    }

   private:
    static constexpr std::int64_t piece = 128;
    const Kernels<T> &kernels;
    int threads;
    bool choosing;
    std::vector<Layer<T>> layers;
    std::vector<Lists<T>> lists;
    Net<T> net{};
    Arena memory, workspace;
    std::int64_t reserved = 0, listed = 0, gathered = 0;
    Pilot pilot;
    mutable std::mutex in_use;

    // Refuses a second call while one runs: two Python threads may not train one session at once.
    std::unique_lock<std::mutex> alone() const {
        std::unique_lock<std::mutex> lock(in_use, std::try_to_lock);
        if (!lock) throw std::runtime_error("this session is in use by another thread");
        return lock;
    }

    // By one thread or by as many as find something to do, as the pilot says, who is told what it took
    Pilot::Slice next_slice(int most, std::int64_t steps) { return choosing && most > 1 ? pilot.next() : Pilot::Slice{most > 1, steps}; }
    template <class Work>
    void run(const Pilot::Slice &slice, int most, Work &&work) {
        const auto began = std::chrono::steady_clock::now();
        Pool::here().run(slice.together ? most : 1, work);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        pilot.saw(slice, took.count());
    }

    static std::pair<T *, T *> arrays_of(const Layer<T> &layer, int which) {
        const std::pair<T *, T *> arrays[] = {{layer.w.at, layer.b}, {layer.slots_w[0], layer.slots_b[0]}, {layer.slots_w[1], layer.slots_b[1]},
                                              {layer.gradient_w, layer.gradient_b}};
        if (which < -1 || which > 2 || !arrays[which + 1].first) throw std::invalid_argument("there is no such slot");
        return arrays[which + 1];
    }

    static std::int64_t count_of(const Layer<T> &layer) { return layer.w.rows * layer.w.columns; }
    static long stride_of(long width) { return width >= 16 * line<T> ? (width / line<T> | 1) * line<T> : width; }

    // A finite number times 0 is 0, and a sum of zeros is 0; in as many sums as fill a vector.
    static bool all_finite(const T *numbers, std::int64_t count) {
        T sums[line<T>]{};
        for (std::int64_t i = 0; i < count; i += line<T>)
            for (long j = 0; j < line<T>; ++j) sums[j] += numbers[i + j] * 0;
        return std::all_of(sums, sums + line<T>, [](T sum) { return sum == 0; });
    }

    // f(o, k, at): weight k of unit o lies at `at` in w; in blocks, so that neither side is read across, each in one panel.
    template <class F>
    static void each_weight(const Layer<T> &layer, F &&f) {
        constexpr long block = widest_panel<T>;
        for (long k0 = 0; k0 < layer.n_in; k0 += block)
            for (long o = 0; o < layer.n_out; ++o) {
                const long first = layer.by_inputs ? offset(layer.w, k0, o) : offset(layer.w, o, k0);
                const long step = layer.by_inputs ? panel_at(layer.w, o).width : 1;
                for (long k = k0; k < std::min<long>(k0 + block, layer.n_in); ++k) f(o, k, first + (k - k0) * step);
            }
    }

    // The units of the first layer that a worker has to itself: two lines or more, since one would cost a single thread more than a second
    // one brings
    long part_of(long columns) const {
        const long lines = (columns / line<T> + threads - 1) / threads;
        return std::min(columns, std::max<long>(lines, 2) * line<T>);
    }

    // How many workers find something to do in a step.
    int workers_of(const Data &data) const {
        const Panels<T> &w = layers[0].w;
        return data.sparse ? int(std::min<long>(threads, padded(w.columns, w.part) / w.part)) : threads;
    }

    // Room for a layer's gradient, all 0
    void make_gradient(Layer<T> &layer) {
        if (!layer.gradient_w) layer.gradient_b = memory.take<T>(layer.ld), layer.gradient_w = memory.take<T>(count_of(layer));
        std::fill_n(layer.gradient_w, count_of(layer), T(0));
        std::fill_n(layer.gradient_b, layer.ld, T(0));
    }

    // Room for the gradients of a mini-batch's pieces, and for every worker's w turned over: of all upper layers, or else a panel at a time
    void keep_pieces(std::int64_t pieces) {
        std::int64_t panel = net.piece_size = net.turned_size = 0;
        for (Layer<T> &layer : layers) {
            layer.piece_w = net.piece_size;
            layer.piece_b = layer.piece_w + count_of(layer);
            net.piece_size = layer.piece_b + layer.ld;
            if (layer.by_inputs) continue;
            layer.turned_at = net.turned_size;
            net.turned_size += layer.w.columns * layer.ld;
            panel = std::max<std::int64_t>(panel, layer.w.columns * widest_panel<T>);
        }
        net.turned_size = pieces > 1 ? std::max(net.turned_size, panel) : panel;
        net.piece_size = (net.piece_size / line<T> | 1) * line<T>;
        net.pieces = workspace.take<T>(pieces > 1 ? pieces * net.piece_size : 0);
        net.turned = workspace.take<T>(threads * net.turned_size);
    }

    // The entries of the mini-batch that has most of them; 1 where none has any, since lists may be empty, and 0 where there are no lists
    static std::int64_t most_entries(const Data &data, const Batches &batches) {
        std::int64_t most = data.sparse;
        for (std::int64_t first = 0, m; first < batches.length && data.sparse; first += m) {
            std::int64_t entries = 0;
            m = batches.size_at(first);
            for (std::int64_t i = first; i < first + m; ++i) entries += data.starts[batches.row(i) + 1] - data.starts[batches.row(i)];
            most = std::max(most, entries);
        }
        return most;
    }

    // Make room for batches of m rows, and for lists of so many entries.
    void reserve(std::int64_t m, const Data &data, std::int64_t entries = 0) {
        const std::int64_t dense = data.sparse ? 0 : m;
        if (dense) std::fill_n(layers[0].met, layers[0].n_in, std::uint8_t(1));  // their gradient reaches all of W
        if (m <= reserved && entries <= listed && dense <= gathered) return;
        if (m > std::numeric_limits<std::int32_t>::max()) throw std::invalid_argument("a mini-batch holds at most 2147483647 examples");
        const std::int64_t rows = std::max(m, reserved), inputs = std::max(dense, gathered), listing = entries > listed ? entries + entries / 8 : listed;
        reserved = listed = gathered = 0;  // until all of it is there
        workspace.clear();
        long norms = 0;
        net.x_stride = stride_of(padded(layers[0].n_in, line<T>));
        net.x = workspace.take<T>(inputs * net.x_stride);
        net.y = workspace.take<T>(rows * layers.back().ld);
        net.row_cost = workspace.take<double>(rows);
        net.row_right = workspace.take<double>(rows);
        for (Layer<T> &layer : layers) {
            layer.a = workspace.take<T>(rows * layer.stride);
            layer.delta = workspace.take<T>(rows * layer.stride);
            if (layer.dropout > 0) layer.h = workspace.take<T>(rows * layer.stride), layer.mask = workspace.take<T>(rows * layer.stride);
            norms += layer.w.rows;
        }
        net.norms = workspace.take<double>(norms);
        keep_pieces(pieces_of(net, inputs));
        for (Lists<T> &one : lists) {
            one.starts = workspace.take<std::int64_t>(listing ? layers[0].n_in + 2 : 0);
            one.examples = workspace.take<std::int32_t>(listing);
            one.values = workspace.take<T>(listing);
        }
        reserved = rows, gathered = inputs, listed = listing;
    }
};

}  // namespace chainrule::host
