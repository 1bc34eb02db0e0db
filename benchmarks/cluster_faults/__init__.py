"""Faults of a cluster during data-parallel trainings on Ray: ``python -m benchmarks.cluster_faults [KIND] [TRIALS]``.

Each trial trains while one thing goes wrong at a random moment. It must end with the bits of a training that nothing disturbed, or,
where the data are damaged, with an error that names the place. ``trainings`` has the trainings, ``cluster`` begins Ray on this
machine with one raylet or several, and ``kinds`` has what goes wrong. It needs Linux, and root for a disk that is full.
"""
