// The product of dense matrices that all layers use: C[r][c] = sum over k of A(r, k) B[k][c].
//
// Each step multiplies a scalar of A with a run of vectors of B. It serves the forward pass (r an
// example, k an input), BP2 (k a unit of the next layer) and BP4 (r an input, k an example).
#pragma once
#include "calculus/activations.hpp"

namespace chainrule::ISA {

// `columns` is a multiple of the vector length; A, B and bias do not overlap C.
struct Product {
    const T *a;  // A(r, k) = a[r * a_row_stride + k * a_k_stride]
    long a_row_stride;
    long a_k_stride;
    const T *b;  // (depth, columns), rows b_stride apart
    long b_stride;
    T *c;  // (rows, columns), rows c_stride apart
    long c_stride;
    long rows;
    long columns;
    long depth;
    const T *bias = nullptr;         // (columns): the initial sums; null for 0
    bool accumulate = false;         // the initial sums are C
    bool apply_relu = false;         // C <- relu(C)
    const T *relu_output = nullptr;  // relu(z), laid out as C: C <- C * relu'(z)
};

// A tile's sums stay in registers: tile_rows<N> rows of N vectors. AVX-512 has 32 vector registers,
// the other instruction sets 16.
constexpr int tile_vectors = VECTOR_BYTES == 64 ? 4 : 2;

template <int N>
constexpr int tile_rows = VECTOR_BYTES == 64 ? (N == 4   ? 6
                                                : N == 3 ? 8
                                                         : 12)
                                             : (N == 2 ? 6 : 10);

constexpr int max_tile_rows = 12;

// Stores f(sum, index) of every vector of a tile.
template <int R, int N, class F>
static inline void store_tile(const Product &p, long row, long column, Vec<T> (&sum)[R][N], F &&f) {
    UNROLL
    for (int r = 0; r < R; ++r) {
        UNROLL
        for (int n = 0; n < N; ++n) {
            const long index = (row + r) * p.c_stride + column + n * lanes<T>;
            store(p.c + index, f(sum[r][n], index));
        }
    }
}

// R x N vectors of C. Each sum runs over k in ascending order whatever the tile's shape, so that
// its bits do not depend on its position in the tile.
template <int R, int N>
static inline void multiply_tile(const Product &p, long row, long column) {
    Vec<T> sum[R][N];
    UNROLL
    for (int n = 0; n < N; ++n) {
        const long c = column + n * lanes<T>;
        const Vec<T> bias = p.bias ? load(p.bias + c) : Vec<T>{};
        UNROLL
        for (int r = 0; r < R; ++r) {
            sum[r][n] = p.accumulate ? load(p.c + (row + r) * p.c_stride + c) : bias;
        }
    }
    const T *a = p.a + row * p.a_row_stride;
    const T *b = p.b + column;
    for (long k = 0; k < p.depth; ++k) {
        Vec<T> run[N];
        UNROLL
        for (int n = 0; n < N; ++n) {
            run[n] = load(b + n * lanes<T>);
        }
        UNROLL
        for (int r = 0; r < R; ++r) {
            const Vec<T> scalar = broadcast<T>(a[r * p.a_row_stride]);
            UNROLL
            for (int n = 0; n < N; ++n) {
                sum[r][n] += scalar * run[n];
            }
        }
        a += p.a_k_stride;
        b += p.b_stride;
    }
    // ReLU takes one instruction while the sums are in registers. Other activations would need
    // these registers themselves; the caller applies them to C afterwards.
    if (p.apply_relu) {
        store_tile(p, row, column, sum, [](Vec<T> z, long) { return relu(z); });
    } else if (p.relu_output) {
        store_tile(p, row, column, sum, [&](Vec<T> g, long index) {
            return g * relu_prime(Vec<T>{}, load(p.relu_output + index));
        });
    } else {
        store_tile(p, row, column, sum, [](Vec<T> z, long) { return z; });
    }
}

// Calls multiply_tile with R = rows, which is at most tile_rows<N>.
template <int N, int R = tile_rows<N>>
static inline void dispatch_tile_rows(const Product &p, long rows, long row, long column) {
    if constexpr (R > 0) {
        if (rows == R) {
            return multiply_tile<R, N>(p, row, column);
        }
        dispatch_tile_rows<N, R - 1>(p, rows, row, column);
    }
}

// C from `column` on, in tiles N vectors wide; narrower ones at the end.
template <int N = tile_vectors>
static void multiply(const Product &p, long column = 0) {
    if constexpr (N > 0) {
        // Tiles of nearly equal height: a last tile of few rows would leave execution units idle.
        const long tiles = (p.rows + tile_rows<N> - 1) / tile_rows<N>;
        for (; p.columns - column >= N * lanes<T>; column += N * lanes<T>) {
            long row = 0;
            for (long t = 0; t < tiles; ++t) {
                const long next = p.rows * (t + 1) / tiles;
                dispatch_tile_rows<N>(p, next - row, row, column);
                row = next;
            }
        }
        multiply<N - 1>(p, column);
    }
}

// `count` numbers, fewer than a vector, then zeros.
static inline Vec<T> load_partial(const T *p, long count) {
    alignas(VECTOR_BYTES) T numbers[lanes<T>]{};
    for (long i = 0; i < count; ++i) {
        numbers[i] = p[i];
    }
    return load(numbers);
}

// z = w a + b of U units, for one example: each a sum of products along the inputs            (N10)
// w is (U, n_in), contiguous and unpadded; `a` is padded with zeros to whole vectors.
template <int U>
static inline void weighted_input_of_units(const T *w, const T *b, long n_in, const T *a, T *z) {
    Vec<T> sum[U]{};
    // One loop for whole and partial vectors: a product after the loop could be fused with the sum
    // over lanes, and n_in and its padded length would give different bits.
    for (long k = 0; k < n_in; k += lanes<T>) {
        const Vec<T> x = load(a + k);
        UNROLL
        for (int u = 0; u < U; ++u) {
            const T *from = w + u * n_in + k;
            sum[u] += x * (k + lanes<T> <= n_in ? load(from) : load_partial(from, n_in - k));
        }
    }
    for (int u = 0; u < U; ++u) {
        z[u] = b[u] + sum_lanes<T>(sum[u]);
    }
}

}  // namespace chainrule::ISA
