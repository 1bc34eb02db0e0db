"""A KeyboardInterrupt raised in a chosen line, to test Ctrl-C at every point of a function."""

import sys
from inspect import getsourcelines


def interrupted_in_each_line(function, call):
    """Make a call once for each line of a function that it runs, raising KeyboardInterrupt in that line.

    Returns the number of lines in which the interrupt was raised.
    """
    lines, first = getsourcelines(function)
    return sum(_interrupted(function.__code__, line, call) for line in range(first, first + len(lines)))


def _interrupted(code, line, call):
    raised = []

    def trace(frame, event, _):
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno == line:
            raised.append(line)
            raise KeyboardInterrupt
        return trace

    previous = sys.gettrace()  # for example coverage's
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(previous)

    return bool(raised)
