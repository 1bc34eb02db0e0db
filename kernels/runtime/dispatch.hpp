// The instruction sets that the kernels are compiled for, and which of them this processor has.
#pragma once
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/network.hpp"

// The best first.
#ifdef CHAINRULE_X86
#define CHAINRULE_INSTRUCTION_SETS(X) \
    X(v4)                             \
    X(v3)                             \
    X(v2)
#else
#define CHAINRULE_INSTRUCTION_SETS(X) X(generic)
#endif

#define CHAINRULE_DECLARE(isa)                \
    namespace chainrule::isa::f32 {           \
    extern const KernelTable<float> kernels;  \
    }                                         \
    namespace chainrule::isa::f64 {           \
    extern const KernelTable<double> kernels; \
    }
CHAINRULE_INSTRUCTION_SETS(CHAINRULE_DECLARE)
#undef CHAINRULE_DECLARE

namespace chainrule::host {

struct InstructionSet {
    std::string name;
    std::tuple<const KernelTable<float> &, const KernelTable<double> &> kernels;
};

// Decided by feature bits: compilers do not agree on names for the levels of x86-64.
inline bool processor_has(const std::string &name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (name == "v2") {
        return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    }
    // v3 also needs f16c, which Clang before 16 cannot ask for; no processor has AVX2 without it.
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (name == "v3") {
        return v3;
    }
    if (name == "v4") {
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    }
#endif
    return name == "generic";
}

// The instruction sets that this processor has, the best first.
inline const std::vector<InstructionSet> &available_instruction_sets() {
    static const std::vector<InstructionSet> available = [] {
        std::vector<InstructionSet> sets;
#define CHAINRULE_OFFER(isa)                                            \
    if (processor_has(#isa)) {                                          \
        sets.push_back({#isa, {isa::f32::kernels, isa::f64::kernels}}); \
    }
        CHAINRULE_INSTRUCTION_SETS(CHAINRULE_OFFER)
#undef CHAINRULE_OFFER
        return sets;
    }();
    return available;
}

// Throws std::invalid_argument where this processor lacks the instruction set.
template <class T>
const KernelTable<T> &kernels_of(const std::string &name) {
    for (const InstructionSet &set : available_instruction_sets()) {
        if (set.name == name) {
            return std::get<const KernelTable<T> &>(set.kernels);
        }
    }
    throw std::invalid_argument("this processor has no instruction set " + name);
}

}  // namespace chainrule::host
