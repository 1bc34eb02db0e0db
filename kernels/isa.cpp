// Compiled for each instruction set and type of number, with ISA (a namespace, v4::f32), VECTOR_BYTES and NUMBER given; gives out one table.
#include "batch.hpp"
#include "few.hpp"

namespace chainrule::ISA {
extern const Kernels<T> kernels;
const Kernels<T> kernels{advance, gradient, evaluate, few};
}  // namespace chainrule::ISA
