// The kernels' own tests, without Python: every instruction set of this processor against a slow
// reference, on random networks.
//
// Built by -DCHAINRULE_TESTS=ON, for scripts/sanitize and scripts/emulate.
// `kernel_tests [cases]`: fewer than 30 leave out tests that take long on an emulated processor.
#include <cstdio>
#include <cstdlib>
#include <set>

#include "test_cases.hpp"
#include "test_csr.hpp"
#include "test_input_features.hpp"
#include "test_sessions.hpp"
#include "test_w_scale.hpp"

namespace {

constexpr int default_cases = 60;
constexpr int cases_with_long_tests = 30;
constexpr int most_allocation_cases = 30;

void test_on_all_sets(const Case &c, const std::string &name) {
    const KernelData examples(c);
    const Expected expected = expected_results(c);
    for (const InstructionSet &set : chainrule::host::available_instruction_sets()) {
        const auto &[of_float, of_double] = set.kernels;
        test_context = set.name + ", double, " + name + ": " + c.description();
        test_case<double>(of_double, c, examples, expected);
        test_context = set.name + ", float, " + name + ": " + c.description();
        test_case<float>(of_float, c, examples, expected);
    }
}

// Every activation in a hidden layer and at the output, every cost and every rule have been tested.
void require_coverage(int cases) {
    std::set<Activation> hidden;
    std::set<Activation> outputs;
    std::set<CostName> costs;
    std::set<Rule> rules;
    for (int number = 0; number < cases; ++number) {
        const reference::Network network = random_case(number).network;
        hidden.insert(network.activations.begin(), network.activations.end() - 1);
        outputs.insert(network.activations.back());
        costs.insert(network.cost.name);
        rules.insert(network.optimizer.rule);
    }
    test_context = "the coverage of " + std::to_string(cases) + " cases";
    require(int(hidden.size()) == elementwise_activation_count, "every activation is hidden once");
    require(int(outputs.size()) == activation_count, "every activation is an output once");
    require(int(costs.size()) == cost_count, "every cost occurs");
    require(int(rules.size()) == rule_count, "every rule occurs");
}

void test_cases(int cases) {
    for (int number = 0; number < cases; ++number) {
        test_on_all_sets(random_case(number), "case " + std::to_string(number));
    }
    if (cases >= cases_with_long_tests) {
        test_on_all_sets(wide_case(), "wide case");
        test_on_all_sets(many_rows_case(), "many rows");
    }
    if (cases >= default_cases) {
        require_coverage(cases);
    }
}

void test_features() {
    const PiecewiseCase piecewise = piecewise_case();
    const Expected expected = expected_results(piecewise.c);
    for (const InstructionSet &set : chainrule::host::available_instruction_sets()) {
        const auto &[of_float, of_double] = set.kernels;
        test_context = set.name + ", piecewise-linear features";
        test_input_features<double>(of_double, piecewise, expected);
        test_input_features<float>(of_float, piecewise, expected);
    }
}

void test_sessions(int cases) {
    const Case c = many_steps_case();
    const KernelData examples(c);
    test_context = "a workspace without memory";
    test_workspace_without_memory();
    for (const InstructionSet &set : chainrule::host::available_instruction_sets()) {
        test_context = set.name + ", allocations";
        for (int number = 0; number < std::min(cases, most_allocation_cases); ++number) {
            test_allocations(set, number);
        }
        test_context = set.name + ", refusals";
        test_refusals(set);
        if (cases < cases_with_long_tests) {
            continue;
        }
        test_w_scale(set);
        test_context = set.name + ", workspace";
        test_workspace(set);
        test_context = set.name + ", concurrent sessions";
        test_concurrent_sessions(set, c, examples);
        test_context = set.name + ", a session in use";
        test_session_in_use(set, c, examples);
    }
}

}  // namespace

int main(int argc, char **argv) {
    const int cases = argc > 1 ? std::atoi(argv[1]) : default_cases;
    std::printf("instruction sets:");
    for (const InstructionSet &set : chainrule::host::available_instruction_sets()) {
        std::printf(" %s", set.name.c_str());
    }
    std::printf("\n");
    test_context = "CSR rows";
    test_check_csr();
    test_fill_entries();
    test_cases(cases);
    test_features();
    test_sessions(cases);
    std::printf("%d cases passed\n", cases);
}
