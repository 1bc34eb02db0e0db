"""What all tests share: how hypothesis draws, and the engines that every law is held against."""

import os
import signal

os.environ["CHAINRULE_DEBUG"] = "1"  # before any import of the package: what no kernel wrote is NaN

import pytest
from hypothesis import settings

from chainrule.engines import ENGINES

settings.register_profile("chainrule", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request):
    """Each engine in turn; one for a whole session, since an engine has no state of its own."""
    return ENGINES[request.param]


def pytest_configure(config):
    """Settle what tests inherit: Ctrl-C, which a job in the background ignores, and what is said where there are no kernels."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    said = "this chainrule was installed without its kernels"
    if "fused" not in ENGINES:
        config.addinivalue_line("filterwarnings", f"ignore:{said}")
        os.environ["PYTHONWARNINGS"] = f"ignore:{said}"  # in the processes that tests start, too
