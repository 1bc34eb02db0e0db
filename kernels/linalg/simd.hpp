// Vectors of the instruction set that this file is compiled for.
//
// They are the compilers' own vector extension: arithmetic is written with operators, and one
// source serves SSE, AVX2, AVX-512 and NEON. Compiled once for each instruction set and type of
// number, with these macros:
//   ISA           the namespace, such as v4::f32
//   NUMBER        float or double: the type T of all numbers of a network
//   VECTOR_BYTES  16, 32 or 64
#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>

#define UNROLL _Pragma("GCC unroll 16")

namespace chainrule::ISA {

using T = NUMBER;

template <class T>
struct VectorOf {
    typedef T Aligned __attribute__((vector_size(VECTOR_BYTES)));
    typedef T Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(alignof(T)), may_alias));
    static constexpr int lanes = VECTOR_BYTES / sizeof(T);
};

template <class T>
using Vec = typename VectorOf<T>::Aligned;

template <class T>
constexpr int lanes = VectorOf<T>::lanes;

// Load and store at any address.
template <class T>
static inline Vec<T> load(const T *p) {
    return *reinterpret_cast<const typename VectorOf<T>::Unaligned *>(p);
}

template <class T>
static inline void store(T *p, Vec<T> v) {
    *reinterpret_cast<typename VectorOf<T>::Unaligned *>(p) = v;
}

// lanes<double> numbers of type T, converted to double.
static inline Vec<double> load_as_double(const T *p) {
    typedef T Some
        __attribute__((vector_size(lanes<double> * sizeof(T)), aligned(alignof(T)), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const Some *>(p), Vec<double>);
}

template <class T>
static inline Vec<T> broadcast(T x) {
    return x - Vec<T>{};
}

// 0, 1, 2, ...
static inline Vec<T> lane_numbers() {
    static constexpr T numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load(numbers);
}

// The 64-bit products of the lanes' low 32 bits with m.
static inline Vec<std::uint64_t> multiply_low_halves(Vec<std::uint64_t> v, std::uint32_t m) {
    const Vec<std::uint64_t> factor = Vec<std::uint64_t>{} + m;
#if defined(__clang__) || !defined(__x86_64__)
    return (v & 0xFFFFFFFFu) * factor;
#else  // for that expression GCC multiplies whole lanes, with three times the instructions
    typedef int Halves __attribute__((vector_size(VECTOR_BYTES)));
#if VECTOR_BYTES == 64
    return Vec<std::uint64_t>(
        __builtin_ia32_pmuludq512_mask(Halves(v), Halves(factor), Vec<long long>{}, 0xFF));
#elif VECTOR_BYTES == 32
    return Vec<std::uint64_t>(__builtin_ia32_pmuludq256(Halves(v), Halves(factor)));
#else
    return Vec<std::uint64_t>(__builtin_ia32_pmuludq128(Halves(v), Halves(factor)));
#endif
#endif
}

// The first `count` lanes of v, then those of `rest`: all of v where count is at least `lanes`,
// none of v where count is 0 or negative.
static inline Vec<T> first_lanes(Vec<T> v, long count, Vec<T> rest = Vec<T>{}) {
    return lane_numbers() < T(count) ? v : rest;
}

// Lane numbers 0 .. lanes-1 choose from a, lanes .. 2 lanes-1 from b.
template <class T, int... Lane>
static inline Vec<T> shuffle(Vec<T> a, Vec<T> b) {
#if __has_builtin(__builtin_shufflevector)
    return __builtin_shufflevector(a, b, Lane...);
#else  // GCC 11
    using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    return __builtin_shuffle(a, b, Vec<Int>{Lane...});
#endif
}

// Exchanges the off-diagonal blocks, `Half` lanes wide, of two rows of a matrix.
template <class T, int Half, int... Lane>
static inline void swap_blocks(Vec<T> &above, Vec<T> &below, std::integer_sequence<int, Lane...>) {
    const Vec<T> first = shuffle<T, (Lane & Half ? lanes<T> + Lane - Half : Lane)...>(above, below);
    below = shuffle<T, (Lane & Half ? lanes<T> + Lane : Lane + Half)...>(above, below);
    above = first;
}

// Transposes a lanes x lanes block in registers: blocks of half the size at each round.
template <class T, int Half = lanes<T> / 2>
static inline void transpose_block(Vec<T> (&rows)[lanes<T>]) {
    if constexpr (Half > 0) {
        UNROLL
        for (int r = 0; r < lanes<T>; ++r) {
            if (!(r & Half)) {
                swap_blocks<T, Half>(rows[r], rows[r + Half],
                                     std::make_integer_sequence<int, lanes<T>>{});
            }
        }
        transpose_block<T, Half / 2>(rows);
    }
}

// f over all lanes, by halves: f(f(v0, v2), f(v1, v3)) for four.
template <class T, int Half = lanes<T> / 2, class F>
static inline T reduce_lanes(Vec<T> v, F &&f) {
    if constexpr (Half == 0) {
        return v[0];
    } else {
        return [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
            return reduce_lanes<T, Half / 2>(f(v, shuffle<T, (Lane ^ Half)...>(v, v)), f);
        }(std::make_integer_sequence<int, lanes<T>>{});
    }
}

template <class T>
static inline T sum_lanes(Vec<T> v) {
    return reduce_lanes<T>(v, [](Vec<T> a, Vec<T> b) { return a + b; });
}

// `rows` runs of `width` numbers, each run `stride` after the one before; width is whole vectors.
struct Block {
    T *data;
    long rows;
    long stride;
    long width;
};

// to[index] = f(vector, index) for every vector of a block. `to` has the block's layout, and may be
// the block itself.
template <class F>
static inline void transform(const Block &block, T *to, F &&f) {
    for (long i = 0; i < block.rows; ++i) {
        const long end = i * block.stride + block.width;
        for (long index = i * block.stride; index < end; index += lanes<T>) {
            store(to + index, f(load(block.data + index), index));
        }
    }
}

template <class F>
static inline void transform_in_place(const Block &block, F &&f) {
    transform(block, block.data, f);
}

// Flushes denormal numbers to zero in this scope. Adam's moments stay in the denormal range for
// hundreds of steps while they decay, and arithmetic there is up to 100 times slower. Nothing above
// 1e-38 (float) or 1e-308 (double) changes.
class FlushDenormals {
public:
#if defined(__x86_64__)
    FlushDenormals() : saved_mxcsr(__builtin_ia32_stmxcsr()) {
        __builtin_ia32_ldmxcsr(saved_mxcsr | flush_to_zero | denormals_are_zero);
    }
    ~FlushDenormals() { __builtin_ia32_ldmxcsr(saved_mxcsr); }
    FlushDenormals(const FlushDenormals &) = delete;

private:
    static constexpr unsigned flush_to_zero = 0x8000;
    static constexpr unsigned denormals_are_zero = 0x0040;
    unsigned saved_mxcsr;
#else
    FlushDenormals() {}
    ~FlushDenormals() {}
#endif
};

}  // namespace chainrule::ISA
