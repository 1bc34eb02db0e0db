"""Replay: the experiments of Nielsen's book, trained again with many seeds and compared with the book's figures.

``experiments`` states the settings and the book's figures as data. ``seed_trainings`` trains every (experiment, seed) in a pool of
threads, ``result_file`` keeps each result once it is finished, ``best_of`` and ``comparison`` compute what is compared,
``baselines`` holds the two methods without a network. ``cli/replay_job.py`` runs it all, and ``cli/replay_report.py`` lays it out.
"""
