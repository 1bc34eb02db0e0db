// Features of the columns of the inputs: the C++ form of calculus/input_features.py.
#pragma once
#include "linalg/simd.hpp"
#include "runtime/data.hpp"

namespace chainrule::ISA {

static inline Vec<T> clip_between(Vec<T> v, Vec<T> low, Vec<T> high) {
    const Vec<T> above = v > low ? v : low;
    return above < high ? above : high;
}

// e_k = clip((x_j - lower_k) scale_k, 0, 1) times size_k, where bin k is one of column j.
// x: (n_in) in front, e: (bins) behind it. A vector of one column's bins at a time: the last one of
// a column may reach into the next column's bins, which are written afterwards; near the end of the
// row, bins are written one by one.
static void piecewise_linear(const InputFeatures &features, int n_in, T *x) {
    const T *lower = static_cast<const T *>(features.lower);
    const T *scale = static_cast<const T *>(features.scale);
    const T *size = static_cast<const T *>(features.sizes) + n_in;
    const Vec<T> zero{};
    const Vec<T> one = broadcast<T>(1);
    T *e = x + n_in;
    for (int j = 0; j < n_in; ++j) {
        const Vec<T> x_j = broadcast<T>(x[j]);
        for (long k = features.starts[j]; k < features.starts[j + 1]; k += lanes<T>) {
            if (k + lanes<T> <= features.bins) {
                const Vec<T> fraction = (x_j - load(lower + k)) * load(scale + k);
                store(e + k, clip_between(fraction, zero, one) * load(size + k));
                continue;
            }
            for (long last = k; last < features.starts[j + 1]; ++last) {
                const Vec<T> fraction = broadcast<T>((x[j] - lower[last]) * scale[last]);
                e[last] = clip_between(fraction, zero, one)[0] * size[last];
            }
        }
    }
}

// x / sqrt(1 + (x / limit)^2). Beyond 2^30 limits this is the limit to the last bit: x is clipped
// there first, so that no square overflows.
static inline Vec<T> smooth_clip(Vec<T> x, Vec<T> limit) {
    const Vec<T> farthest = limit * T(1 << 30);
    x = clip_between(x, -farthest, farthest);
    const Vec<T> ratio = x / limit;
    Vec<T> root = ratio * ratio + 1;
    UNROLL
    for (int lane = 0; lane < lanes<T>; ++lane) {
        root[lane] = sizeof(T) == 4 ? T(__builtin_sqrtf(float(root[lane])))
                                    : T(__builtin_sqrt(double(root[lane])));
    }
    return x / root;
}

// x_j <- size_j smooth_clip(x_j) of the columns, in place.
static void clip_columns(const InputFeatures &features, int n_in, T *x) {
    const T *limits = static_cast<const T *>(features.limits);
    const T *size = static_cast<const T *>(features.sizes);
    int j = 0;
    for (; j + lanes<T> <= features.clipped; j += lanes<T>) {
        store(x + j, smooth_clip(load(x + j), load(limits + j)));
    }
    for (; j < features.clipped; ++j) {
        x[j] = smooth_clip(broadcast<T>(x[j]), broadcast<T>(limits[j]))[0];
    }
    for (int k = 0; k < n_in; ++k) {
        x[k] *= size[k];
    }
}

// phi(x) = sizes * [smooth_clip(x), e]. x: (n_in + bins), of which the columns stand in front. The
// bins come first, since they are those of the unclipped columns.
static void input_features(const InputFeatures &features, int n_in, T *x) {
    piecewise_linear(features, n_in, x);
    clip_columns(features, n_in, x);
}

}  // namespace chainrule::ISA
