"""How much of the campaigns is run: of kills and of odd input, which can go on for as long as one likes."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# Every worker of pytest-xdist, and every process that a test starts, would start as many threads as there are
# processors, and threads that wait for each other in a loop take the time of the other tests. Polars keeps its own, so
# that an order of rows that hangs on them shows. NumPy reads these when it is imported, which is later than here.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

SHORT = 50
"""Seeded cases of a campaign in ``make test``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--campaign", choices=("short", "full"), default="short",
        help=f"how many seeded cases the campaigns of kills and odd input run: short is at most {SHORT}",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    # How long an example takes says something about the machine and nothing about the code.
    unhurried = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "derandomize": True}
    settings.register_profile("short", max_examples=SHORT, **unhurried)
    settings.register_profile("full", max_examples=5_000, **unhurried)
    settings.load_profile(config.getoption("--campaign"))


def pytest_collection_finish(session: pytest.Session) -> None:
    # Thousands of tests, and the packages they import, are there to the end: not to be looked through for rubbish.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def cases(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """Return the number of cases of a campaign, by those of a short one and those of a full one."""
    full = request.config.getoption("--campaign") == "full"
    return lambda short, whole: whole if full else short
