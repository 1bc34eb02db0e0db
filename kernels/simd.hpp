// Vectors of the instruction set that this file is compiled for, by the compilers' own vector extension: arithmetic is written with
// operators, and one source serves SSE, AVX2, AVX-512 and NEON.
#pragma once
#include "net.hpp"

namespace chainrule::ISA {

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
static inline Vec<T> load(const T *p) {
    return *reinterpret_cast<const typename Lanes<T>::Loose *>(p);
}
template <class T>
static inline void store(T *p, Vec<T> v) {
    *reinterpret_cast<typename Lanes<T>::Loose *>(p) = v;
}
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
static inline Vec<T> all(T x) {
    return x - Vec<T>{};
}

}  // namespace chainrule::ISA
