"""Ctrl-C where it can be told to come."""

import sys
from inspect import getsourcelines


def interrupted_in_each_line(function, call):
    """Call once for each line of a function that runs within, and raise KeyboardInterrupt there; gives how often it came."""
    lines, first = getsourcelines(function)
    return sum(_interrupted(function.__code__, line, call) for line in range(first, first + len(lines)))


def _interrupted(code, line, call):
    came = []

    def trace(frame, event, _):
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno == line:
            came.append(line)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()  # such as coverage's
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return bool(came)
