"""How the time of an epoch depends on the number of machines: ``python -m benchmarks.scale_model [--simulate] [--validate]``.

The costs of a step, of a synchronisation and of reading are measured here on one core, the all-reduce over loopback, and the calls
of Ray's actors; ``benchmarks.scale.model`` computes from them the speedup of 1 to 10,000 workers over several networks. With
``--simulate`` the formulas for slow and failing machines are compared with a simulation. With ``--validate`` trainings with one to
four workers run on this machine, and the predictions are compared with them: it takes some minutes, and needs a machine that does
nothing else. ``--plots FOLDER`` draws what is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.scale.terms import NETWORKS, WORKLOADS, Cluster, ControlCosts, Link

K = 256
"""The k of the tables that have one."""
FAILURES = {"every hour": 3600.0, "every day": 86_400.0, "every month": 30 * 86_400.0}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_model", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME", help=", ".join(WORKLOADS)
    )
    parser.add_argument("--over", choices=NETWORKS, default="10GbE", help="the network of the first tables (default: 10GbE)")
    parser.add_argument("--cores", type=int, default=1, help="cores of each worker; reading takes a second one (default: 1)")
    parser.add_argument("--spread", type=float, default=0.1, help="the steps' standard deviation over their mean (default: 0.1)")
    parser.add_argument("--restart", type=float, default=10.0, metavar="S", help="seconds to replace a machine (default: 10)")
    parser.add_argument("--simulate", action="store_true", help="compare the formulas with a simulation, and measure nothing")
    parser.add_argument("--validate", action="store_true", help="compare the model with trainings on Ray on this machine")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw into this folder")
    chosen = parser.parse_args()
    if chosen.cores < 1 or chosen.spread < 0 or chosen.restart < 0:
        parser.error("--cores must be at least 1, --spread and --restart at least 0")
    if chosen.plots is not None and not chosen.plots.is_dir():
        parser.error(f"there is no folder {chosen.plots}")
    return chosen


def measured_control() -> ControlCosts:
    """Measure the calls of Ray's actors; the usual costs where Ray is not installed."""
    from benchmarks.scale.measuring import measure_control
    from chainrule.errors import MissingExtra
    from chainrule.ray_cluster import RayCluster

    try:
        cluster = RayCluster(None, 4, 1 << 26)
    except MissingExtra as error:
        print(f"the cost of control is that of another machine: {error}")
        return ControlCosts()
    try:
        return measure_control(cluster.ray)
    finally:
        cluster.shut_down()


def print_links(link: Link, control: ControlCosts) -> None:
    """Print what was measured of the link and of the control."""
    print(f"the all-reduce over loopback: {1e6 * link.latency:.0f} us a message, {1e-9 / link.byte_seconds:.2f} GB/s each way")
    print(
        f"Ray: a block costs {1e3 * control.block:.1f} ms, and {1e3 * control.worker:.2f} ms for each worker; "
        f"a state {1e-6 / control.state_byte:,.0f} MB/s; a worker starts in {control.restart:.1f} s"
    )


def predict(chosen: argparse.Namespace) -> None:
    """Measure the terms and print the tables of the model."""
    from benchmarks.scale.measuring import measure_loopback, measure_reading, measure_steps
    from benchmarks.scale.model import Model
    from benchmarks.scale.tables import advice_table, failure_share, speedup_table, terms_table

    link, control = measure_loopback(), measured_control()
    print_links(link, control)
    control = replace(control, restart=chosen.restart)
    models: dict[str, dict[str, Model]] = {}
    for name in chosen.networks:
        workload = WORKLOADS[name]
        costs = measure_steps(workload)
        if workload.from_files:
            costs = replace(costs, row=measure_reading(workload))
        clusters = {over: Cluster(net.between(link), chosen.cores, spread=chosen.spread) for over, net in NETWORKS.items()}
        models[name] = {over: Model(workload, costs, control, cluster) for over, cluster in clusters.items()}
    chosen_models = {name: by_link[chosen.over] for name, by_link in models.items()}
    print(f"\n{terms_table(chosen_models)}")
    for model in chosen_models.values():
        print(f"\n{model.workload.title}, {chosen.over}: speedup (share of each worker's speed)\n\n{speedup_table(model)}")
    print(f"\n{advice_table(models, K)}")
    largest = chosen_models[chosen.networks[-1]]
    print(f"\n{largest.workload.title}, k = {K}, {chosen.over}, a replacement takes {chosen.restart:g} s: the share of an epoch")
    print(f"that failures take\n\n{failure_share(largest, K, (1, 10, 100, 1000, 10_000), FAILURES)}")
    if chosen.plots is not None:
        from benchmarks.scale.plots import draw_speedups
        from benchmarks.scale.tables import INTERVALS

        draw_speedups(
            {model.workload.title: model for model in chosen_models.values()}, INTERVALS, chosen.plots / "scale_speedup.png"
        )


def simulate(plots: Path | None) -> None:
    """Print the simulation beside the formulas."""
    from benchmarks.scale.tables import simulated_failures, simulated_stragglers, simulation_table

    points = [*simulated_stragglers(), *simulated_failures()]
    print(simulation_table(points))
    if plots is not None:
        from benchmarks.scale.plots import draw_simulation

        draw_simulation(points, plots / "scale_faults.png")


def validate(plots: Path | None) -> bool:
    """Train on this machine, and print how far the predictions are off; give whether all are as near as they should be."""
    from benchmarks.scale.validation import GOAL, compare, report

    done = report(compare())
    if plots is not None:
        from benchmarks.scale.plots import draw_synchronisation

        draw_synchronisation(done, plots / "scale_sync.png")
    return all(abs(one.error) <= GOAL for one in done)


def main() -> int:
    """Do what the options say."""
    chosen = arguments()
    began = time.perf_counter()
    good = True
    if chosen.simulate:
        simulate(chosen.plots)
    if chosen.validate:
        good = validate(chosen.plots)
    if not (chosen.simulate or chosen.validate):
        predict(chosen)
    print(f"\n{time.perf_counter() - began:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
