// Products of dense matrices, in one kernel: C[r][c] = sum over k of A(r, k) B[k][c], a scalar of A times a run of vectors of B.
// It is the forward pass (r an example, k an input), BP2 (k a unit of the next layer) and BP4 (r an input, k an example).
#pragma once
#include "activations.hpp"

namespace chainrule::ISA {

struct Product {
    const T *a;
    long a_row, a_k;  // A(r, k) = a[r * a_row + k * a_k]
    const T *b;
    long ldb;
    T *c;
    long ldc;
    const T *bias;    // where C begins, (columns); null for 0
    long rows, columns, depth;
    bool onto = false;        // C's sums go on from what stands there
    bool rectify = false;     // C through ReLU
    const T *gate = nullptr;  // C times ReLU's derivative where this, laid out as C, is a
};

// A tile's sums stay in registers: its height for a width of N vectors. AVX-512 has 32 registers, the others 16.
constexpr int tile_vectors = VECTOR_BYTES == 64 ? 4 : 2;
template <int N>
constexpr int tile_rows = VECTOR_BYTES == 64 ? (N == 4 ? 6 : N == 3 ? 8 : 12) : N == 2 ? 6 : 10;
constexpr int most_tile_rows = 12;

// Each sum runs over k in order, whatever the tile's shape, so that its bits don't depend on where it stands.
template <int R, int N>
static inline void tile(const Product &p, long row, long column) {
    Vec<T> sum[R][N];
    UNROLL for (int n = 0; n < N; ++n) {
        const Vec<T> begin = p.bias ? load(p.bias + column + n * lanes<T>) : Vec<T>{};
        UNROLL for (int r = 0; r < R; ++r) sum[r][n] = p.onto ? load(p.c + (row + r) * p.ldc + column + n * lanes<T>) : begin;
    }
    const T *a = p.a + row * p.a_row, *b = p.b + column;
    for (long k = 0; k < p.depth; ++k, a += p.a_k, b += p.ldb) {
        Vec<T> run[N];
        UNROLL for (int n = 0; n < N; ++n) run[n] = load(b + n * lanes<T>);
        UNROLL for (int r = 0; r < R; ++r) {
            const Vec<T> scalar = all<T>(a[r * p.a_row]);
            UNROLL for (int n = 0; n < N; ++n) sum[r][n] += scalar * run[n];
        }
    }
    // ReLU is one instruction while the sums are at hand; other functions would take their registers, and pass over C afterwards.
    const auto finish = [&](auto &&f) {
        UNROLL for (int r = 0; r < R; ++r)
            UNROLL for (int n = 0; n < N; ++n) {
                const long at = (row + r) * p.ldc + column + n * lanes<T>;
                store(p.c + at, f(sum[r][n], at));
            }
    };
    if (p.rectify) finish([](Vec<T> z, long) { return value<Activation::relu>(z); });
    else if (p.gate) finish([&](Vec<T> g, long at) { return g * derivative<Activation::relu>(load(p.gate + at)); });
    else finish([](Vec<T> z, long) { return z; });
}

template <int N, int R = tile_rows<N>>
static inline void tile_of(const Product &p, long rows, long row, long column) {
    if constexpr (R > 0) {
        if (rows == R) return tile<R, N>(p, row, column);
        tile_of<N, R - 1>(p, rows, row, column);
    }
}

// From a column on; columns must be whole vectors
template <int N = tile_vectors>
static void multiply(const Product &p, long column = 0) {
    if constexpr (N > 0) {
        const long step = N * lanes<T>, tiles = (p.rows + tile_rows<N> - 1) / tile_rows<N>;
        for (; p.columns - column >= step; column += step)
            for (long t = 0, row = 0; t < tiles; ++t) {  // tiles of nearly one height: a low one would leave the units idle
                const long next = p.rows * (t + 1) / tiles;
                tile_of<N>(p, next - row, row, column);
                row = next;
            }
        multiply<N - 1>(p, column);
    }
}

static inline Vec<T> load_some(const T *p, long count) {
    alignas(VECTOR_BYTES) T some[lanes<T>]{};
    for (long i = 0; i < count; ++i) some[i] = p[i];
    return load(some);
}

// z = w a + b for U units at once, each a sum of products over the inputs; a is padded with zeros                              (N10)
template <int U>
static inline void units(const T *w, const T *b, long n_in, const T *a, T *z) {
    Vec<T> sum[U]{};
    long k = 0;
    for (; k + lanes<T> <= n_in; k += lanes<T>) {
        const Vec<T> x = load(a + k);
        UNROLL for (int u = 0; u < U; ++u) sum[u] += x * load(w + u * n_in + k);
    }
    for (int u = 0; u < U; ++u) {
        if (k < n_in) sum[u] += load(a + k) * load_some(w + u * n_in + k, n_in - k);
        z[u] = b[u] + total<T>(sum[u]);
    }
}

}  // namespace chainrule::ISA
