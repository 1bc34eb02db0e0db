// How often this process has asked for memory since it began.
#pragma once

long allocations();
