// Checks that end the program at the first failure.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

// The instruction set, the type of number and the case under test, for the message of a failure.
inline std::string test_context;

inline void require(bool holds, const std::string &what) {
    if (holds) {
        return;
    }
    std::printf("FAILED: %s\n  in %s\n", what.c_str(), test_context.c_str());
    std::exit(1);
}

// The largest difference allowed between a kernel and the reference, relative to the largest
// number.
template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-11;

// Numbers below this count as this large, so that arrays of tiny numbers need not agree in theirs.
constexpr double least_scale = 1e-2;

template <class T>
void require_near(const std::vector<T> &actual, const std::vector<double> &expected,
                  const std::string &what, double allowed = tolerance<T>) {
    require(actual.size() == expected.size(), what + ": the number of entries");
    double scale = least_scale;
    for (const double number : expected) {
        require(std::isfinite(number), what + ": the reference is finite");
        scale = std::max(scale, std::fabs(number));
    }
    std::size_t worst = 0;
    double largest_difference = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = std::fabs(double(actual[i]) - expected[i]);
        if (!(difference <= largest_difference)) {  // larger, or NaN
            largest_difference = difference;
            worst = i;
        }
    }
    if (!(largest_difference <= allowed * scale)) {
        std::ostringstream message;
        message << what << ": entry " << worst << " is " << actual[worst] << ", expected "
                << expected[worst] << ", relative difference " << largest_difference / scale;
        require(false, message.str());
    }
}

// Requires that f throws.
template <class F>
void require_refused(F &&f, const std::string &what) {
    try {
        f();
    } catch (const std::exception &) {
        return;
    }
    require(false, what + " is refused");
}
