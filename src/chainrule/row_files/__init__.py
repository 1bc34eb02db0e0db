"""Rows of files that may hold more than memory does: their row groups, the order in an epoch, what one pass measures."""
