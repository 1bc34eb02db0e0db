// Compiled once for each instruction set, with ISA and VECTOR_BYTES given: gives out one table of function pointers.
#include "batch.hpp"

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

namespace chainrule::ISA {
extern const Table table;
const Table table{TEXT(ISA), VECTOR_BYTES,
                  {advance<float>, gradient<float>, forward<float>, evaluate<float>},
                  {advance<double>, gradient<double>, forward<double>, evaluate<double>}};
}  // namespace chainrule::ISA
