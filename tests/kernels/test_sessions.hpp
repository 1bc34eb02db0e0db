// Sessions: allocations, workspaces, several threads of the caller, and refused calls.
#pragma once
#include <atomic>
#include <thread>

#include "allocations.hpp"
#include "kernel_data.hpp"
#include "runtime/dispatch.hpp"

using chainrule::host::InstructionSet;

// The batch loop allocates nothing: 200 steps allocate as much as 2.
inline void test_allocations(const InstructionSet &set, int number) {
    constexpr std::int64_t steps = 200;
    Case c = random_case(number);
    set_training(c, steps, 4, 0.001, 0.01);
    const KernelData examples(c);
    for (const int threads : {1, 2}) {
        const auto session = make_session(std::get<0>(set.kernels), c, {.count = threads});
        StepResults results(steps);
        const auto allocations_of = [&](std::int64_t count) {
            const long before = allocation_count();
            advance(*session, c, examples, results, 0, count);
            return allocation_count() - before;
        };
        require(allocations_of(steps) > 0, "the workspace is allocated");
        const long of_2_steps = allocations_of(2);
        require(allocations_of(steps) == of_2_steps, "200 steps allocate as much as 2");
    }
}

// Two threads of the caller, each with a session of two workers over the same examples, compute
// what one computes alone.
inline void test_concurrent_sessions(const InstructionSet &set, const Case &c,
                                     const KernelData &examples) {
    const auto trained = [&] {
        const auto session = make_session(std::get<0>(set.kernels), c, {.count = 2});
        advance(*session, c, examples);
        return state_of(*session, c.rule());
    };
    const State<float> expected = trained();
    State<float> of_other_thread;
    std::thread other([&] { of_other_thread = trained(); });
    const State<float> of_this_thread = trained();
    other.join();
    require(of_this_thread == expected, "concurrent sessions do not disturb one another");
    require(of_other_thread == expected, "concurrent sessions do not disturb one another");
}

// A session in use by another thread refuses a call, and is not disturbed.
inline void test_session_in_use(const InstructionSet &set, const Case &c,
                                const KernelData &examples) {
    const auto session = make_session(std::get<0>(set.kernels), c, {.count = 2});
    std::atomic<bool> done = false;
    std::thread other([&] {
        while (!done) {
            try {
                advance(*session, c, examples);
            } catch (const std::runtime_error &) {
                continue;  // refused while this thread evaluates
            }
        }
    });
    bool refused = false;
    while (!refused) {
        try {
            session->evaluate(examples.data);
        } catch (const std::runtime_error &) {
            refused = true;
        }
    }
    done = true;
    other.join();
    require(session->finite(), "a refused call changes nothing");
}

// The workspace suffices in a session without an earlier call, and after a call with other data:
// else the sanitizers report writes beyond it.
inline void test_workspace(const InstructionSet &set) {
    const Case c = many_rows_case();
    const KernelData dense(c, false);
    const KernelData sparse(c, true);
    const auto evaluated_cost = [&](int threads, bool after_sparse_steps) {
        const auto session = make_session(std::get<0>(set.kernels), c, {.count = threads});
        if (after_sparse_steps) {
            StepResults results(c.steps());
            advance(*session, c, sparse, results, 0, 2);
            session->for_each_layer(state_of<float>(c.network).parameters.data(),
                                    [&](int l, const float *w, const float *b) {
                                        session->put(l, ArrayKind::parameters, w, b);
                                    });
        }
        return session->evaluate(dense.data).cost;
    };
    const double expected = evaluated_cost(1, false);
    require(evaluated_cost(3, false) == expected, "the same cost with 3 threads");
    require(evaluated_cost(1, true) == expected, "the same cost after sparse steps");
}

// After a call that found no memory, a call with no rows does not use what was freed for it.
inline void test_workspace_without_memory() {
    chainrule::Layer<float> layer{};
    layer.n_in = layer.n_out = 1;
    layer.padded_n_out = layer.stride = chainrule::line<float>;
    chainrule::Network<float> network{};
    network.n_layers = 1;
    network.layers = &layer;
    chainrule::host::Workspace<float> workspace;
    workspace.reserve(network, 1, {.examples = 2});
    network.row_squares = nullptr;
    layer.stride = 1L << 60;
    require_refused([&] { workspace.reserve(network, 1, {.examples = 3}); }, "too much memory");
    layer.stride = chainrule::line<float>;
    workspace.reserve(network, 1, {});
    require(network.row_squares != nullptr, "the network points to memory that was allocated anew");
}

// Arrays that a session does not have, and instruction sets that do not exist.
inline void test_refusals(const InstructionSet &set) {
    Case c = many_rows_case();
    c.network.optimizer = {.rule = Rule::sgd};
    const auto session = make_session(std::get<0>(set.kernels), c);
    const ArrayKind missing[] = {ArrayKind::slot0, ArrayKind::slot1, ArrayKind::gradient};
    for (const ArrayKind kind : missing) {
        require_refused([&] { get_arrays(*session, kind); }, "an array that the session lacks");
    }
    require_refused([] { chainrule::host::kernels_of<float>("v1"); }, "an unknown instruction set");
}
