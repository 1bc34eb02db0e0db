// The instruction sets that this machine runs, for the tests.
#pragma once
#include <vector>

#include "../../kernels/sets.hpp"

struct Set {
    const char *name;
    const chainrule::Kernels<float> &f32;
    const chainrule::Kernels<double> &f64;

    template <class T>
    const chainrule::Kernels<T> &kernels() const {
        if constexpr (sizeof(T) == 4) return f32;
        else return f64;
    }
};

inline std::vector<Set> sets_here() {
    std::vector<Set> here;
#define OFFER(isa) if (chainrule::host::runs_here(#isa)) here.push_back({#isa, chainrule::isa::f32, chainrule::isa::f64});
    CHAINRULE_SETS(OFFER)
    return here;
}
