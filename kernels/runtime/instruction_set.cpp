// The kernels of one instruction set and one type of number, as a table of functions.
//
// Compiled for each of them, with the macros that linalg/simd.hpp names.
#include "calculus/descent.hpp"
#include "calculus/feedforward_small.hpp"

namespace chainrule::ISA {

extern const KernelTable<T> kernels;
const KernelTable<T> kernels{
    .advance_with_barriers = advance_with_barriers,
    .gradient_with_barriers = gradient_with_barriers,
    .evaluate = evaluate,
    .forward_small = forward_small,
};

}  // namespace chainrule::ISA
