"""Sweeps: many trainings with different settings and seeds, on this machine's cores or on a Ray cluster, with the same bits.

``space`` parses what varies, ``search`` decides which runs there are, and in successive halving which go on. ``sweep_run`` trains
one run. ``local_pool`` and ``ray_pool`` train many. ``sweep_folder`` keeps each result once it is finished, ``outputs`` writes the
table and the plots, and ``sweep`` runs it all. The command's page is ``cli/sweep_report.py``.
"""
