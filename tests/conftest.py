"""Settings and fixtures of all tests: hypothesis' profile, and the engines over which the engine tests run."""

import os
import signal

os.environ["CHAINRULE_DEBUG"] = "1"  # fills fresh kernel memory with NaN; must be set before the package is imported

import pytest
from hypothesis import settings

from chainrule.engines import ENGINES

settings.register_profile("chainrule", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request):
    """Each engine in turn; an engine has no state, so one object serves the whole session."""
    return ENGINES[request.param]


def pytest_configure(config):
    """Enable Ctrl-C, which background jobs ignore, and ignore the warning about missing kernels where they are not installed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warning = "this chainrule was installed without its kernels"
    if "fused" not in ENGINES:
        config.addinivalue_line("filterwarnings", f"ignore:{warning}")
        os.environ["PYTHONWARNINGS"] = f"ignore:{warning}"  # for the processes that tests start
