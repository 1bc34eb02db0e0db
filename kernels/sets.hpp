// The instruction sets that the kernels are compiled for, the best first, and which of them this machine runs.
#pragma once
#include <string>
#include <tuple>
#include <vector>

#include "net.hpp"

#ifdef CHAINRULE_X86
#define CHAINRULE_SETS(X) X(v4) X(v3) X(v2)
#else
#define CHAINRULE_SETS(X) X(generic)
#endif

#define DECLARE(isa) namespace chainrule::isa { namespace f32 { extern const Kernels<float> kernels; } } \
                     namespace chainrule::isa { namespace f64 { extern const Kernels<double> kernels; } }
CHAINRULE_SETS(DECLARE)

namespace chainrule::host {

// By feature bits: compilers do not agree on names for the levels.
inline bool runs_here(const std::string &name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (name == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");  // Clang 14 knows no name for f16c; no processor has AVX2 without it
    if (name == "v3") return v3;
    if (name == "v4")
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return name == "generic";
}

struct Set { std::string name; std::tuple<const Kernels<float> &, const Kernels<double> &> kernels; };

inline std::vector<Set> sets_here() {
    std::vector<Set> here;
#define OFFER(isa) if (runs_here(#isa)) here.push_back({#isa, {isa::f32::kernels, isa::f64::kernels}});
    CHAINRULE_SETS(OFFER)
    return here;
}

}  // namespace chainrule::host
