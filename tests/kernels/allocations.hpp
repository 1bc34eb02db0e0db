// Counts the allocations of this process.
#pragma once

// The number of allocations since the process began.
long allocation_count();
