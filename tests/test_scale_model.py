"""The model of many machines in ``benchmarks/scale``: limits, simulation, terms."""

import doctest
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.scale import model as formulas  # noqa: E402
from benchmarks.scale import simulation, tables, terms  # noqa: E402
from benchmarks.scale.measuring import measure_loopback, measure_steps  # noqa: E402
from benchmarks.scale.model import (  # noqa: E402
    Model,
    all_reduce_seconds,
    all_reduce_traffic,
    expected_block_seconds,
    expected_maximum,
    slowest_share,
    steps_of_worker,
    vector_bytes,
)
from benchmarks.scale.simulation import Scenario, simulate  # noqa: E402
from benchmarks.scale.terms import NETWORKS, WORKLOADS, Cluster, ControlCosts, Link, StepCosts, Workload  # noqa: E402
from chainrule.distributed.all_reduce import sum_over_workers  # noqa: E402

LINK = Link("wire", 50e-6, 1e-9)
COSTS = StepCosts(step=100e-6, exact_step=300e-6, turn=200e-6, row=1e-7, epoch=1e-3, block_steps=5000)
FREE = ControlCosts(block=0.0, worker=0.0, state_byte=0.0, add_byte=0.0)
WORKLOAD = Workload("made", (16, 64, 1), 1_000_000, 100, from_files=True)


def make(cluster=None, control=None, costs=COSTS, workload=WORKLOAD):
    """Make a model on machines of their own."""
    return Model(workload, costs, ControlCosts() if control is None else control, cluster or Cluster(LINK))


@pytest.mark.parametrize("module", [formulas, simulation, tables, terms], ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples_of_the_docstrings_hold(module):
    """Each example in a docstring prints what it shows."""
    pytest.importorskip("simpy")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# The all-reduce


@pytest.mark.parametrize("workers", [2, 3, 4, 5, 7, 8, 12])
@pytest.mark.parametrize("length", [100, 20_000])
def test_the_traffic_is_that_of_the_librarys_sum(workers, length):
    """Messages, bytes and additions are those of the busiest worker in ``sum_over_workers``, for short and long vectors."""
    sent = dict.fromkeys(range(workers), 0)
    messages = dict.fromkeys(range(workers), 0)

    def record(rank):
        def exchange(_partner, out, into):
            messages[rank] += 1
            sent[rank] += max(out.nbytes, into.nbytes)
            into[...] = 1

        return exchange

    for rank in range(workers):
        sum_over_workers(np.ones(length, np.float32), rank, workers, record(rank))
    traffic = all_reduce_traffic(workers, 4 * length)
    assert traffic.messages == max(messages.values())
    assert traffic.sent == pytest.approx(max(sent.values()), rel=0.01)


def test_one_worker_sends_nothing():
    """A single worker has nobody to send to."""
    assert all_reduce_seconds(1, 1e9, LINK, 1.0) == 0.0


def test_an_all_reduce_of_a_long_vector_moves_fewer_than_two():
    """However many workers there are, each sends fewer than two vectors, and with a power of two twice log2 W messages."""
    for power in range(1, 14):
        traffic = all_reduce_traffic(2**power, 1e6)
        assert traffic.messages == 2 * power
        assert traffic.sent == pytest.approx(2 * (1 - 2.0**-power) * 1e6)


def test_workers_beyond_a_power_of_two_cost_two_vectors_more():
    """Nine workers send what eight do, and the whole vector to a partner and back."""
    eight, nine = all_reduce_traffic(8, 1e6), all_reduce_traffic(9, 1e6)
    assert nine.messages == eight.messages + 2
    assert nine.sent == pytest.approx(eight.sent + 2e6)


def test_slots_are_averaged_and_gradients_are_not_wider():
    """At k = 1 the parameters' gradient is sent; above, the parameters and each of the optimizer's slots."""
    adam = replace(WORKLOAD, optimizer="adam")
    assert vector_bytes(adam, 2) == 3 * vector_bytes(adam, 1) == 3 * 4 * (17 * 64 + 65)
    assert vector_bytes(WORKLOAD, 2) == vector_bytes(WORKLOAD, 1)


# The epoch


def test_one_worker_takes_a_single_processes_time():
    """With one worker there is no synchronisation and no control, at any k."""
    model = make()
    expected = 10_000 * COSTS.step + 1_000_000 * COSTS.row + COSTS.epoch
    for k in (1, 16, 10**6):
        time = model.epoch(1, k)
        assert time.total == pytest.approx(expected)
        assert time.synchronizing == time.controlling == 0
        assert model.speedup(1, k) == 1


def test_rare_synchronisation_approaches_the_number_of_workers():
    """Without control and with k as long as the epoch, the speedup is the number of workers, but for one synchronisation."""
    costs = replace(COSTS, epoch=0.0, row=0.0)
    model = make(control=FREE, costs=costs)
    for workers in (2, 8, 100):
        k = steps_of_worker(WORKLOAD.rows, WORKLOAD.batch_size, workers)
        one = model.epoch(workers, k)
        assert one.synchronizing == model.round_seconds(workers, k)
        assert model.epoch(1, k).total / (one.total - one.synchronizing) == pytest.approx(workers)


def test_a_larger_k_never_costs_more_above_one():
    """From k = 2 on, an epoch with twice the k is not longer but for what rounding blocks to whole rounds costs."""
    model = make(control=FREE)
    seconds = [model.epoch(16, 2**power).total for power in range(1, 12)]
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize("workers", [2, 3, 64, 1000])
def test_slower_links_and_costlier_steps_take_longer(workers):
    """An epoch is longer with more latency, less bandwidth, slower steps, slower reading, dearer control, more spread, failures."""
    model = make()
    base = model.epoch(workers, 4).total
    worse = [
        make(Cluster(replace(LINK, latency=1e-3))),
        make(Cluster(replace(LINK, byte_seconds=1e-7))),
        make(costs=replace(COSTS, step=2e-4)),
        make(costs=replace(COSTS, row=1e-6)),
        make(costs=replace(COSTS, turn=1e-3)),
        make(control=ControlCosts(block=0.1)),
        make(control=ControlCosts(worker=0.1)),
        make(Cluster(LINK, spread=0.2)),
        make(Cluster(LINK, mtbf=3600.0)),
    ]
    assert all(other.epoch(workers, 4).total > base for other in worse)


def test_reading_takes_a_core_in_turn_or_a_second_one():
    """On one core a worker reads and computes in turn; with two only the longer of both counts, and the first window."""
    long = replace(WORKLOAD, rows=100_000_000)
    reads = replace(COSTS, row=COSTS.step / long.batch_size, epoch=0.0)
    alone = make(Cluster(LINK, cores_each=1), costs=reads, workload=long).epoch(1, 1).total
    beside = make(Cluster(LINK, cores_each=2), costs=reads, workload=long).epoch(1, 1).total
    assert alone == pytest.approx(200.0)
    assert beside == pytest.approx(100.0 * (1 + long.window_rows / long.rows), rel=1e-3)


def test_workers_on_one_machine_share_its_cores():
    """On two cores four workers take the time of two, and two synchronisations' more."""
    costs = replace(COSTS, row=0.0, epoch=0.0)
    two = make(Cluster(LINK, shared_cores=2), FREE, costs).epoch(2, 100)
    four = make(Cluster(LINK, shared_cores=2), FREE, costs).epoch(4, 100)
    assert four.computing == pytest.approx(two.computing)
    assert four.synchronizing > two.synchronizing


def test_more_machines_stop_paying():
    """The control, which grows with the workers, makes the epoch longer again from some number on."""
    model = make()
    best = model.fastest(64)
    assert 1 < best < 10_000
    assert model.epoch(best, 64).total < min(model.epoch(10_000, 64).total, model.epoch(1, 64).total)
    worth = model.worthwhile(64, least=0.5)
    assert model.efficiency(worth, 64) >= 0.5 > model.efficiency(2 * worth, 64)


def test_the_advised_k_keeps_nine_tenths_of_the_speed():
    """The advised k keeps nine tenths of the speed of synchronising once an epoch, and the one below does not."""
    model = make()
    k = model.interval(8)
    rare = model.epoch(8, steps_of_worker(WORKLOAD.rows, WORKLOAD.batch_size, 8)).total
    assert k > 1
    assert rare / model.epoch(8, k).total >= 0.9 > rare / model.epoch(8, k // 2).total


def test_a_wire_is_no_faster_than_the_host():
    """A message over a network costs the host what it costs over loopback, unless the card bypasses the system."""
    host = Link("loopback", 30e-6, 0.5e-9)
    over = {name: network.between(host) for name, network in NETWORKS.items()}
    assert over["10GbE"].latency > host.latency
    assert over["10GbE"].byte_seconds == pytest.approx(1 / 1.18e9)
    assert over["100GbE"].byte_seconds == host.byte_seconds
    assert over["InfiniBand"].latency < host.latency


def test_every_workload_has_its_parameters():
    """The numbers of weights and biases are those of the networks."""
    assert [workload.parameters for workload in WORKLOADS.values()] == [23_860, 407_050, 189_601, 1_153]


# Slow and failing machines


def test_the_expected_maximum_is_that_of_draws():
    """The mean of the largest of W lognormal times agrees with draws, and grows with W and with the spread."""
    rng = np.random.default_rng(0)
    for workers, spread in ((2, 0.3), (16, 0.3), (256, 0.1)):
        mu, sigma = formulas.lognormal_parameters(spread)
        drawn = np.mean([rng.lognormal(mu, sigma, workers).max() for _ in range(4000)])
        assert expected_maximum(workers, spread) == pytest.approx(drawn, rel=0.01)
    assert expected_maximum(10, 0.1) < expected_maximum(100, 0.1) < expected_maximum(100, 0.2)


def test_a_block_without_failures_takes_its_own_time():
    """The formula for failures has its limits: none, rare ones, and those that never let a block end."""
    assert expected_block_seconds(0.5, 0.0, 10.0) == 0.5
    assert expected_block_seconds(0.5, 1e-9, 10.0) == pytest.approx(0.5 + 0.5e-9 * 10.25, rel=1e-9)
    assert expected_block_seconds(1.0, 1e4, 10.0) == math.inf


@pytest.mark.parametrize(("workers", "spread", "k"), [(2, 0.3, 1), (32, 0.3, 1), (128, 0.1, 1), (32, 0.3, 16)])
def test_simulated_stragglers_agree_with_the_formula(workers, spread, k):
    """For independent lognormal steps the simulated time is the expected maximum of each round, within 3 %."""
    pytest.importorskip("simpy")
    scenario = Scenario(workers, 400 * k, k, spread=spread)
    expected = scenario.steps * scenario.step * slowest_share(workers, spread, k)
    assert simulate(scenario).seconds == pytest.approx(expected, rel=0.03)


def test_simulated_failures_agree_with_the_formula():
    """With exponential failures the mean over seeds is Daly's formula, within 5 %, and each mini-batch is kept once."""
    pytest.importorskip("simpy")
    scenario = Scenario(20, steps=1_000_000, k=500, mtbf=1200.0, restart=2.0)
    outcomes = [simulate(scenario, seed) for seed in range(8)]
    expected = 2000 * expected_block_seconds(0.5, 20 / 1200.0, 2.0)
    assert np.mean([outcome.seconds for outcome in outcomes]) == pytest.approx(expected, rel=0.05)
    assert all(outcome.failures > 0 and outcome.kept == 20 * 1_000_000 for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.seconds == pytest.approx(1000.0 + outcome.repeated)


def test_one_slow_machine_sets_the_pace():
    """Where one machine takes twice as long, all wait for it at each synchronisation."""
    pytest.importorskip("simpy")
    even, slow = (simulate(Scenario(8, 64, 4, slow=factor, synchronization=0.1)).seconds for factor in (1.0, 2.0))
    assert even == pytest.approx(64e-3 + 16 * 0.1)
    assert slow == pytest.approx(2 * 64e-3 + 16 * 0.1)


def test_a_simulation_depends_on_its_seed_alone():
    """Equal seeds give equal times, and others do not."""
    pytest.importorskip("simpy")
    scenario = Scenario(4, 100, 5, spread=0.2)
    assert simulate(scenario, 1) == simulate(scenario, 1) != simulate(scenario, 2)


# What is measured, and what is printed


def test_the_terms_of_a_network_are_measured():
    """Each cost of a step is above 0, and a synchronisation is short against an epoch."""
    costs = measure_steps(replace(WORKLOADS["16-64-1"], rows=5000))
    assert costs.step > 0
    assert costs.exact_step > 0
    assert 0 <= costs.turn < 1
    assert costs.block_steps > 0


def test_the_loopback_link_is_measured():
    """Two processes sum vectors over loopback: a message takes some time, and so does a byte."""
    link = measure_loopback(rounds=20)
    assert 0 <= link.latency < 0.1
    assert 0 < link.byte_seconds < 1e-6


def test_workers_that_do_not_pay_are_not_advised():
    """Where a quarter of each worker's speed is not reached at any k, no k is advised."""
    model = make()
    assert tables.advised(model, 10_000) == "-"
    assert tables.advised(model, 8) == str(model.interval(8))


def test_wrong_options_are_refused():
    """An option that makes no sense ends with status 2 and one line that says so."""
    for options, message in (
        (["--cores", "0"], "--cores must be at least 1"),
        (["--plots", "none/there"], "there is no folder none/there"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.scale_model", *options], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert message in done.stderr
