// Piecewise-linear features of the inputs: the C++ form of calculus/input_features.py.
#pragma once
#include "linalg/simd.hpp"
#include "runtime/data.hpp"

namespace chainrule::ISA {

static inline Vec<T> clip_to_unit(Vec<T> v) {
    const Vec<T> zero{};
    const Vec<T> one = broadcast<T>(1);
    const Vec<T> above = v > zero ? v : zero;
    return above < one ? above : one;
}

// phi(x) = [x, e], e_k = clip((x_j - lower_k) scale_k, 0, 1), where bin k is one of column j.
// x: (n_in) in front, e: (bins.count) behind it. A vector of one column's bins at a time: the last
// one of a column may reach into the next column's bins, which are written afterwards; near the end
// of the row, bins are written one by one.
static void piecewise_linear(const Bins &bins, int n_in, T *x) {
    const T *lower = static_cast<const T *>(bins.lower);
    const T *scale = static_cast<const T *>(bins.scale);
    T *e = x + n_in;
    for (int j = 0; j < n_in; ++j) {
        const Vec<T> x_j = broadcast<T>(x[j]);
        for (long k = bins.starts[j]; k < bins.starts[j + 1]; k += lanes<T>) {
            if (k + lanes<T> <= bins.count) {
                store(e + k, clip_to_unit((x_j - load(lower + k)) * load(scale + k)));
                continue;
            }
            for (long last = k; last < bins.starts[j + 1]; ++last) {
                const Vec<T> bin = broadcast<T>((x[j] - lower[last]) * scale[last]);
                e[last] = clip_to_unit(bin)[0];
            }
        }
    }
}

}  // namespace chainrule::ISA
