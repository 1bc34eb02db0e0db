"""Data-parallel training: workers on Ray, each with a part of every epoch's rows, that keep one network in common.

``ray_executor`` is what a ``Run`` calls in place of an engine. It holds a ``WorkerGroup``, which sends blocks of steps to the
workers and replaces those that are lost. A ``Worker`` trains its part and combines its result with those of the others by
``all_reduce``, over the connections of ``peers``. Ray carries the orders and their answers, never the vectors that are combined.
"""
