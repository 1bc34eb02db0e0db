// Threads that wait to be lent out, and the judgement of how many are worth lending.
#pragma once
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "net.hpp"

namespace chainrule::host {  // compiled once, for any processor

// Leave the core on which the caller runs, -1 where it is not known: a thread is woken where its waker is, and a scheduler may leave both
// there for the whole of a training, since both only ever wait for each other.
#ifdef __linux__
inline int this_core() { return sched_getcpu(); }
inline void leave_core(int core) {
    if (core < 0 || sched_getcpu() != core) return;
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
    others = allowed;
    CPU_CLR(core, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
}
#else
inline int this_core() { return -1; }
inline void leave_core(int) {}
#endif

class Helper {
   public:
    Helper() : thread([this] { loop(); }) { thread.detach(); }

    void start(std::function<void()> what) {
        const std::lock_guard<std::mutex> lock(mutex);
        task = std::move(what);
        busy = true;
        changed.notify_all();
    }
    void wait() { await(false, std::chrono::microseconds(20)); }

   private:
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void()> task;
    std::atomic<bool> busy = false;
    std::thread thread;

    // To be woken takes some 20 microseconds, so whoever waits looks for a while before sleeping; to yield could take milliseconds.
    void await(bool what, std::chrono::microseconds patience) {
        for (const auto until = std::chrono::steady_clock::now() + patience; busy != what && std::chrono::steady_clock::now() < until;) {}
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return busy == what; });
    }

    void loop() {
        for (;;) {
            await(true, std::chrono::microseconds(200));  // as between two evaluations of L-BFGS
            task();
            const std::lock_guard<std::mutex> lock(mutex);
            task = nullptr;
            busy = false;
            changed.notify_all();
        }
    }
};

// The helpers of this process. Several Python threads may borrow at once; each gets helpers of its own. Helpers live as long as the
// process; a fork has none of its parent's threads, and begins with an empty pool.
class Pool {
   public:
    static Pool &here() {
        [[maybe_unused]] static const int watched = (current = new Pool, pthread_atfork(nullptr, nullptr, [] { current = new Pool; }));
        return *current;
    }

    // Call work(worker) for each of `size` workers at once, or of as many as there are threads to be had; rank 0 on this thread.
    template <class Work>
    void run(int size, Work &&work) {
        std::vector<Helper *> helpers;
        while (int(helpers.size()) < size - 1)
            if (Helper *helper = lend()) helpers.push_back(helper);
            else break;
        size = int(helpers.size()) + 1;
        Barrier barrier{};
        std::vector<std::exception_ptr> failed(size);
        const int core = this_core();
        const auto share = [&](int rank) {
            try {
                work(Worker{rank, size, &barrier});
            } catch (...) {  // of want of memory; an exception that leaves a thread ends the process
                failed[rank] = std::current_exception();
            }
        };
        for (int rank = 1; rank < size; ++rank)
            helpers[rank - 1]->start([&, rank] { leave_core(core), share(rank); });
        share(0);
        for (Helper *helper : helpers) helper->wait();
        {
            const std::lock_guard<std::mutex> lock(mutex);
            idle.insert(idle.end(), helpers.begin(), helpers.end());
        }
        for (const std::exception_ptr &error : failed)
            if (error) std::rethrow_exception(error);
    }

   private:
    inline static Pool *current = nullptr;
    std::mutex mutex;
    std::vector<Helper *> idle;

    Helper *lend() {
        const std::lock_guard<std::mutex> lock(mutex);
        if (idle.empty()) try { return new Helper; } catch (const std::system_error &) { return nullptr; }  // no more threads to be had: as good
        Helper *helper = idle.back();
        idle.pop_back();
        return helper;
    }
};

// Chooses, slice by slice of a training, between one thread and all that are allowed, by what each was seen to take. More threads lose
// where batches are tiny, and where another process wants the core. No bit depends on the choice.
class Pilot {
   public:
    struct Slice { bool together; std::int64_t steps; };

    // Each is tried by two slices, the first to warm its caches: both at first, then the one that lost, soon after and ever more seldom as
    // it goes on losing. Steps of a few microseconds are not worth one wait for another core.
    Slice next() {
        constexpr double too_short = 15e-6, slice_otherwise = 4e-3;
        if (turn == 0 || turn == next_trial) trial_left = turn == 0 ? 4 : 2;
        if (turn == next_trial) next_trial += pause = pause < 128 ? 2 * pause : 128;
        ++turn;
        const bool trial = trial_left > 0, better = seconds[1] > 0 && seconds[1] < seconds[0];
        bool together = trial ? (turn <= 4 ? turn > 2 : !tried_from) : better;
        if (turn > 2 && seconds[0] < too_short) together = false;
        const double a_step = seconds[together] > 0 ? seconds[together] : seconds[0], wanted = trial ? slice_of_a_trial : slice_otherwise;
        return {together, a_step > 0 ? 1 + std::int64_t(wanted / a_step) : 2};
    }

    // What was seen last weighs as much as all before; a trial's first slice tells only how long its second should be. Slices that stall
    // tell of another process on a core: it is left alone for the longest time.
    void saw(const Slice &slice, double took) {
        double &known = seconds[slice.together];
        const double now = took / double(slice.steps);
        if (slice.together && seconds[0] > 0 && now > 2.5 * seconds[0] && took > slice_of_a_trial) {
            known = now;
            trial_left = 0;
            next_trial = turn + (pause = 128);
        } else if (trial_left > 0) {
            if (--trial_left % 2 == 0 || known == 0) known = now;
        } else {
            known = (known + now) / 2;
        }
        if (trial_left == 0) tried_from = seconds[1] > 0 && seconds[1] < seconds[0];
    }

   private:
    static constexpr double slice_of_a_trial = 1e-3;
    long turn = 0, next_trial = 12, pause = 8, trial_left = 0;
    bool tried_from = false;          // which was the better when the trial began
    double seconds[2] = {0, 0};       // a step, alone and together
};

}  // namespace chainrule::host
