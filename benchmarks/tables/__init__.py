"""The suite of tables: each peer's error and fit time on data sets that ship inside packages: ``python -m benchmarks.tables``.

``data_sets`` reads them, ``splits`` draws the training and the test rows, ``peers`` makes the estimators, ``measuring`` runs one
peer on one data set in a process of its own, and ``report`` prints the tables.
"""
