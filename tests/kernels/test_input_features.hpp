// Features of columns: those that the kernels compute while they gather against the same features
// computed one by one by the reference.
#pragma once
#include "test_cases.hpp"

// The columns of a table, the limit of each, the ascending edges of each column's bins, and the size
// of each feature.
struct PiecewiseCase {
    Case c;  // its examples are the expanded ones
    reference::Matrix columns;
    reference::Matrix edges;
    reference::Vector limits;
    reference::Vector sizes;
    int clipped = 0;  // the limits from here on are infinite
};

// Columns with more bins than a vector has lanes, with as many, with few and with none; a tenth
// column has the last limit, and a number far beyond it.
inline PiecewiseCase piecewise_case() {
    constexpr long n = 150;
    Random random(11);
    PiecewiseCase piecewise{};
    piecewise.columns = reference::Matrix(n);
    long n_in = 0;
    for (const long bins : {3, 0, 16, 33, 1, 5, 0, 0, 0, 0, 0}) {
        reference::Vector edges;
        for (long k = 0; bins > 0 && k <= bins; ++k) {
            edges.push_back((k == 0 ? -1 : edges.back()) + random.between(0.05, 0.2));
        }
        piecewise.edges.push_back(edges);
        n_in += 1 + bins;
        piecewise.limits.push_back(piecewise.edges.size() % 3 == 1 ? random.between(0.5, 3)
                                                                   : INFINITY);
    }
    piecewise.clipped = 10;
    for (long k = 0; k < n_in; ++k) {
        piecewise.sizes.push_back(random.between(0.25, 1.5));
    }
    Case &c = piecewise.c;
    c.kind = InputKind::float64;
    c.has_weights = true;
    add_layer(random, c.network, n_in, 17, Activation::tanh);
    add_layer(random, c.network, 17, 3, Activation::identity);
    c.network.optimizer = random_optimizer(random, Rule::momentum);
    c.examples = random_examples(random, c, n);
    for (long i = 0; i < n; ++i) {
        reference::Vector &columns = piecewise.columns[i];
        for (std::size_t j = 0; j < piecewise.edges.size(); ++j) {
            columns.push_back(random.between(-2, 4));
        }
        columns[9] = i % 7 == 0 ? -1e30 : columns[9];
        c.examples.x[i] =
            reference::input_features(columns, piecewise.edges, piecewise.limits, piecewise.sizes);
    }
    set_training(c, 6, 33, 0.01, 0.01);
    return piecewise;
}

// The columns and bins as the kernels read them, for networks of type T.
template <class T>
class PiecewiseData {
public:
    KernelData examples;

    explicit PiecewiseData(const PiecewiseCase &piecewise) : examples(piecewise.c) {
        for (const reference::Vector &row : piecewise.columns) {
            values.insert(values.end(), row.begin(), row.end());
        }
        for (const reference::Vector &edges : piecewise.edges) {
            for (std::size_t k = 1; k < edges.size(); ++k) {
                lower.push_back(T(edges[k - 1]));
                scale.push_back(T(1 / (edges[k] - edges[k - 1])));
            }
            starts.push_back(std::int32_t(lower.size()));
        }
        examples.data.n_in = int(piecewise.edges.size());
        examples.data.values = values.data();
        limits.assign(piecewise.limits.begin(), piecewise.limits.end());
        sizes.assign(piecewise.sizes.begin(), piecewise.sizes.end());
        examples.data.features = {.computed = true,
                                  .bins = long(lower.size()),
                                  .starts = starts.data(),
                                  .lower = lower.data(),
                                  .scale = scale.data(),
                                  .limits = limits.data(),
                                  .sizes = sizes.data(),
                                  .clipped = piecewise.clipped};
    }

private:
    std::vector<double> values;
    std::vector<std::int32_t> starts{0};
    std::vector<T> lower;
    std::vector<T> scale;
    std::vector<T> limits;
    std::vector<T> sizes;
};

template <class T>
void test_input_features(const KernelTable<T> &kernels, const PiecewiseCase &piecewise,
                         const Expected &expected) {
    const PiecewiseData<T> data(piecewise);
    test_evaluation(*make_session(kernels, piecewise.c), data.examples, expected);
    test_training(kernels, piecewise.c, data.examples, expected);
}
