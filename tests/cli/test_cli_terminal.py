"""A terminal: the live line, and the images that are drawn."""

import os
import re
import subprocess
import sys

import pytest
from cli_helpers import ENVIRONMENT, FAST

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


def in_terminal(*arguments):
    """Run the program in a pseudo-terminal, and give all that it wrote."""
    import pty

    parent_end, child_end = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "chainrule", *map(str, arguments)]
    with subprocess.Popen(command, stdin=child_end, stdout=child_end, stderr=child_end, env=environment) as running:
        os.close(child_end)
        written = b""
        while True:
            try:
                written += (more := os.read(parent_end, 65536))
            except OSError:  # on Linux, the end of a terminal
                break
            if not more:
                break
    os.close(parent_end)
    assert running.returncode == 0
    return written.decode()


def test_training_has_a_live_line():
    """In a terminal there is a bar that is redrawn and erased, below the lines of the epochs; the test accuracy stays last."""
    text = in_terminal("train", "digits", *FAST)
    assert "━" in text
    assert "\x1b[2K" in text
    assert re.search(r"epoch 2/2  cost \S+  accuracy \S+ %  validation \S+ %", text)
    assert text.rstrip().splitlines()[-1].startswith("test accuracy")


def test_the_worst_images_are_drawn(mnist_model):
    """In a terminal the images with the largest errors are drawn, with their true and predicted labels."""
    text = in_terminal("evaluate", mnist_model[0], "--worst", 7)
    assert len(re.findall("[\u2801-\u28ff]", text)) > 50
    assert len(re.findall(r"label \d", text)) == len(re.findall(r"predicted \d", text)) == 7
