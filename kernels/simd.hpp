// Vectors of the instruction set that this file is compiled for, by the compilers' own vector extension: arithmetic is written with
// operators, and one source serves SSE, AVX2, AVX-512 and NEON.
#pragma once
#include <utility>

#include "net.hpp"

#define UNROLL _Pragma("GCC unroll 16")

namespace chainrule::ISA {

using T = NUMBER;  // of a network: a file is compiled for one

template <class T>
struct Lanes {
    typedef T Vector __attribute__((vector_size(VECTOR_BYTES)));
    typedef T Loose __attribute__((vector_size(VECTOR_BYTES), aligned(alignof(T)), may_alias));
    static constexpr int count = VECTOR_BYTES / sizeof(T);
};
template <class T>
using Vec = typename Lanes<T>::Vector;
template <class T>
constexpr int lanes = Lanes<T>::count;

template <class T>
static inline Vec<T> load(const T *p) { return *reinterpret_cast<const typename Lanes<T>::Loose *>(p); }
template <class T>
static inline void store(T *p, Vec<T> v) { *reinterpret_cast<typename Lanes<T>::Loose *>(p) = v; }
// Numbers too small to be normal are taken for 0 while this lives: the averages of Adam decay through them for hundreds of steps, and each
// costs a hundred times as much as any other. The relaxation changes nothing above 1e-38 (1e-308 in float64).
class FlushToZero {
   public:
#if defined(__x86_64__)
    FlushToZero() : before(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before | 0x8040); }
    ~FlushToZero() { __builtin_ia32_ldmxcsr(before); }

   private:
    unsigned before;
#endif
};

template <class T>
static inline Vec<T> all(T x) { return x - Vec<T>{}; }

// f.template operator()<Case>() of the one of some cases that is at hand, if any is
template <auto... Cases, class E, class F>
static inline void one_of(E at_hand, F &&f) {
    static_cast<void>(((at_hand == Cases && (f.template operator()<Cases>(), true)) || ...));
}

static inline Vec<double> doubles(const T *p) {
    typedef T Some __attribute__((vector_size(lanes<double> * sizeof(T)), aligned(alignof(T)), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const Some *>(p), Vec<double>);
}

// The first `count` lanes of a vector, and zeros, or what else is given, after them
static inline Vec<T> counting() {
    static constexpr T numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load(numbers);
}
static inline Vec<T> first_lanes(Vec<T> v, long count, Vec<T> rest = Vec<T>{}) { return counting() < T(count) ? v : rest; }

// Turn a block of lanes x lanes numbers over its diagonal: in round `half` blocks of that size change places across it.
template <class T, int Half, int... Lane>
static inline void swap_across(Vec<T> &above, Vec<T> &below, std::integer_sequence<int, Lane...>) {
    const Vec<T> first = __builtin_shufflevector(above, below, (Lane & Half ? lanes<T> + Lane - Half : Lane)...);
    below = __builtin_shufflevector(above, below, (Lane & Half ? lanes<T> + Lane : Lane + Half)...);
    above = first;
}
template <class T, int Half = lanes<T> / 2>
static inline void turn(Vec<T> (&rows)[lanes<T>]) {
    if constexpr (Half > 0) {
        UNROLL for (int r = 0; r < lanes<T>; ++r)
            if (!(r & Half)) swap_across<T, Half>(rows[r], rows[r + Half], std::make_integer_sequence<int, lanes<T>>{});
        turn<T, Half / 2>(rows);
    }
}

// The lanes brought together by f, by halves
template <class T, int Half = lanes<T> / 2, class F>
static inline T fold(Vec<T> v, F &&f) {
    if constexpr (Half == 0) return v[0];
    else return [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
        return fold<T, Half / 2>(f(v, __builtin_shufflevector(v, v, (Lane ^ Half)...)), f);
    }(std::make_integer_sequence<int, lanes<T>>{});
}
template <class T>
static inline T total(Vec<T> v) { return fold<T>(v, [](Vec<T> a, Vec<T> b) { return a + b; }); }

}  // namespace chainrule::ISA
