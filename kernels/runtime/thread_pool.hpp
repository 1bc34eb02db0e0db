// The threads of the process that run kernels.
#pragma once
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/worker.hpp"

namespace chainrule::host {

// More threads than any machine has cores: a larger number is a mistake, and no call starts as many.
inline constexpr int max_threads = 1024;

// The caller's core, or -1 where it is not known.
inline int current_core() {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

// Moves this thread off `core`. A thread is woken on the core of the thread that wakes it, and the
// scheduler may leave both there for a whole training, since they only ever wait for each other.
inline void leave_core([[maybe_unused]] int core) {
#ifdef __linux__
    if (core < 0 || sched_getcpu() != core) {
        return;
    }
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) {
        return;
    }
    cpu_set_t others = allowed;
    CPU_CLR(core, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) {
        sched_setaffinity(0, sizeof allowed, &allowed);
    }
#endif
}

// A thread that runs one task after another, and lives as long as the process.
class PoolThread {
public:
    PoolThread() : thread([this] { run_tasks(); }) { thread.detach(); }

    void start(std::function<void()> new_task) {
        const std::lock_guard<std::mutex> lock(mutex);
        task = std::move(new_task);
        busy = true;
        changed.notify_all();
    }

    // Returns when the task is done.
    void wait() { wait_until_busy_is(false, std::chrono::microseconds(20)); }

private:
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void()> task;
    std::atomic<bool> busy = false;
    std::thread thread;

    // Spins for a while, then sleeps: waking a thread takes some 20 microseconds. It does not
    // yield, since that can take milliseconds.
    void wait_until_busy_is(bool state, std::chrono::microseconds spinning) {
        const auto end = std::chrono::steady_clock::now() + spinning;
        while (busy != state && std::chrono::steady_clock::now() < end) {
        }
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return busy == state; });
    }

    void run_tasks() {
        // Between two evaluations of L-BFGS, SciPy takes less than this.
        constexpr std::chrono::microseconds spinning(200);
        for (;;) {
            wait_until_busy_is(true, spinning);
            task();
            const std::lock_guard<std::mutex> lock(mutex);
            task = nullptr;
            busy = false;
            changed.notify_all();
        }
    }
};

// The pool of this process. Several callers may use it at once; each gets threads of its own. A
// forked process has none of its parent's threads, and begins with an empty pool.
class ThreadPool {
public:
    static ThreadPool &instance() {
        [[maybe_unused]] static const int registered = [] {
            current = new ThreadPool;
            return pthread_atfork(nullptr, nullptr, [] { current = new ThreadPool; });
        }();
        return *current;
    }

    // Calls work(worker) for each of `size` workers at once, or for fewer where the system gives no
    // more threads; rank 0 runs on this thread. Rethrows the first exception of a worker when all
    // are done.
    template <class Work>
    void run(int size, Work &&work) {
        const std::vector<PoolThread *> threads = borrow(std::clamp(size, 1, max_threads) - 1);
        size = int(threads.size()) + 1;
        Barrier barrier{};
        std::vector<std::exception_ptr> errors(size);
        const auto run_worker = [&](int rank) {
            try {
                work(Worker{.rank = rank, .size = size, .barrier = &barrier});
            } catch (...) {  // std::bad_alloc; an exception that leaves a thread ends the process
                errors[rank] = std::current_exception();
            }
        };
        const int core = current_core();
        for (int rank = 1; rank < size; ++rank) {
            threads[rank - 1]->start([&, rank] {
                leave_core(core);
                run_worker(rank);
            });
        }
        run_worker(0);
        for (PoolThread *thread : threads) {
            thread->wait();
        }
        give_back(threads);
        for (const std::exception_ptr &error : errors) {
            if (error) {
                std::rethrow_exception(error);
            }
        }
    }

private:
    inline static ThreadPool *current = nullptr;
    std::mutex mutex;
    std::vector<PoolThread *> idle;

    // At most `count` threads: fewer where the system gives no more.
    std::vector<PoolThread *> borrow(int count) {
        std::vector<PoolThread *> threads;
        while (int(threads.size()) < count) {
            PoolThread *thread = borrow_one();
            if (thread == nullptr) {
                break;
            }
            threads.push_back(thread);
        }
        return threads;
    }

    PoolThread *borrow_one() {
        {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!idle.empty()) {
                PoolThread *thread = idle.back();
                idle.pop_back();
                return thread;
            }
        }
        try {
            return new PoolThread;
        } catch (const std::system_error &) {
            return nullptr;
        }
    }

    void give_back(const std::vector<PoolThread *> &threads) {
        const std::lock_guard<std::mutex> lock(mutex);
        idle.insert(idle.end(), threads.begin(), threads.end());
    }
};

// Calls f(first, last) for one range of the rows on each of at most `threads` threads.
template <class F>
void for_ranges_of_rows(std::int64_t n, int threads, F &&f) {
    ThreadPool::instance().run(threads, [&](const Worker &worker) {
        f(n * worker.rank / worker.size, n * (worker.rank + 1) / worker.size);
    });
}

}  // namespace chainrule::host
