// Chooses between one thread and all that are allowed, from measured times.
#pragma once
#include <algorithm>
#include <cstdint>

namespace chainrule::host {

// A training is run in slices of a few milliseconds. More threads lose where mini-batches are tiny,
// and where another process needs the core; no bit depends on the choice.
//
// A trial runs a choice for two slices, of which the first warms the caches. The first trial covers
// both choices. Later trials repeat the slower choice, at intervals that double up to a maximum.
class ThreadTuner {
public:
    struct Slice {
        bool all_threads;
        std::int64_t steps;
    };

    Slice next_slice() {
        begin_trial_if_due();
        ++slices;
        bool all_threads = in_trial() ? choice_in_trial() : all_threads_are_faster();
        // A wait for another core takes longer than such a step.
        if (slices > 2 && seconds_per_step[0] < min_divided_step_seconds) {
            all_threads = false;
        }
        return {.all_threads = all_threads, .steps = steps_of_slice(all_threads)};
    }

    // Records the time of the last slice. A new time is averaged with the recorded one with equal
    // weights; in a trial it replaces it, and the first slice only decides how long the second one
    // is.
    void record(const Slice &slice, double seconds) {
        double &time = seconds_per_step[slice.all_threads];
        const double measured = seconds / double(slice.steps);
        if (stalled(slice, seconds, measured)) {
            time = measured;
            trial_slices_left = 0;
            interval = max_interval;
            next_trial = slices + interval;
        } else if (in_trial()) {
            --trial_slices_left;
            if (trial_slices_left % 2 == 0 || time == 0) {
                time = measured;
            }
        } else {
            time = (time + measured) / 2;
        }
        if (!in_trial()) {
            all_threads_were_faster = all_threads_are_faster();
        }
    }

private:
    static constexpr double trial_seconds = 1e-3;
    static constexpr double slice_seconds = 4e-3;
    static constexpr double min_divided_step_seconds = 15e-6;
    static constexpr long max_interval = 128;
    static constexpr long first_trial_slices = 4;
    static constexpr long later_trial_slices = 2;

    long slices = 0;
    long next_trial = 12;
    long interval = 8;  // slices between two trials; doubles when a trial begins
    long trial_slices_left = 0;
    bool all_threads_were_faster = false;  // when the trial began
    double seconds_per_step[2] = {0, 0};   // of one thread, and of all; 0 before the first slice

    bool in_trial() const { return trial_slices_left > 0; }

    bool all_threads_are_faster() const {
        return seconds_per_step[1] > 0 && seconds_per_step[1] < seconds_per_step[0];
    }

    void begin_trial_if_due() {
        if (slices == 0) {
            trial_slices_left = first_trial_slices;
        } else if (slices == next_trial) {
            trial_slices_left = later_trial_slices;
        }
        if (slices == next_trial) {
            interval = std::min(2 * interval, max_interval);
            next_trial += interval;
        }
    }

    // The first trial tries one thread, then all; later ones the slower choice.
    bool choice_in_trial() const {
        if (slices <= first_trial_slices) {
            return slices > 2;
        }
        return !all_threads_were_faster;
    }

    std::int64_t steps_of_slice(bool all_threads) const {
        const double measured = seconds_per_step[all_threads];
        const double step = measured > 0 ? measured : seconds_per_step[0];
        const double slice_length = in_trial() ? trial_seconds : slice_seconds;
        return step > 0 ? 1 + std::int64_t(slice_length / step) : 2;
    }

    // Whether another process holds one of the cores.
    bool stalled(const Slice &slice, double seconds, double measured) const {
        return slice.all_threads && seconds_per_step[0] > 0 &&
               measured > 2.5 * seconds_per_step[0] && seconds > trial_seconds;
    }
};

}  // namespace chainrule::host
