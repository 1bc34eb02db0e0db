// Compiled once for each instruction set and type of number, with ISA, VECTOR_BYTES, NUMBER and KERNELS given: gives out one table of
// function pointers.
#include "batch.hpp"
#include "few.hpp"

namespace chainrule::ISA {
extern const Kernels<NUMBER> KERNELS;
const Kernels<NUMBER> KERNELS{advance<NUMBER>, gradient<NUMBER>, forward<NUMBER>, evaluate<NUMBER>, few<NUMBER>};
}  // namespace chainrule::ISA
