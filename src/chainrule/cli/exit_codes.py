"""The exit statuses of the program."""

FAILURE = 1
"""A training diverged, memory ran out, a gradient check failed, a diagnosis has a finding, or standard output cannot be written."""

USAGE_ERROR = 2
"""The command line or the data cannot be used."""

INTERRUPTED = 130
"""Ctrl-C: 128 plus SIGINT's number, as shells report it."""

STATUS_AFTER = {"interrupted": INTERRUPTED, "diverged": FAILURE}
"""The exit status after a training that ended in one of these ways; 0 after any other."""
