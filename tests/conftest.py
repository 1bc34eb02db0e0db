"""What all tests share: how hypothesis draws, and the engines that every law is held against."""

import pytest
from hypothesis import settings

from chainrule.engines import ENGINES

settings.register_profile("chainrule", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="session", params=sorted(ENGINES))
def engine(request):
    """Each engine in turn; one for a whole session, since an engine has no state of its own."""
    return ENGINES[request.param]
