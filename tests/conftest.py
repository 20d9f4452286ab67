"""What every test run shares: how many examples are tried, what is for `make soak` alone, and that
nothing is skipped.

A test whose tool is missing fails, it does not skip; an expected failure is a failure too.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tools.systems_of_tests import GROUND, belongs_to, list_systems, name_others

from edgemark.logs import ROOT

PROFILE_VARIABLE = "HYPOTHESIS_PROFILE"
LONGEST_ID = 24  # bytes of an argument that stand in the name of a test
FABRIC_VARIABLE = "EDGEMARK_TEST_FABRIC"  # set by `make test-fabric`

# ci: the same examples on every machine.  dev: other examples each time.  soak: hours, not minutes.
settings.register_profile(
    "ci",
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", max_examples=100, deadline=None, print_blob=True)
settings.register_profile(
    "soak",
    max_examples=2000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get(PROFILE_VARIABLE, "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let somebody ask for the tests of one system."""
    parser.addoption(
        "--system",
        choices=[*list_systems(), GROUND],
        help="the tests of this system and of the ground; 'none': of the ground alone",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests of the systems that nobody asked for."""
    others = name_others(config.getoption("--system"), list_systems())
    return belongs_to(collection_path, others) or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among modules and tests, which all stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name what is long by its argument: workers that draw it must call a test the same."""
    is_long = isinstance(val, bytes) and len(val) > LONGEST_ID
    return argname if is_long else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what lasts longest: else one worker is left with it when the others are done.

    What is marked `soak` is for the hours of `make soak` alone, `fabric` for `make test-fabric`.
    """
    items.sort(key=_seconds, reverse=True)
    others = [item for item in items if _is_of_another_run(item)]
    if others:
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


def _is_of_another_run(item: pytest.Item) -> bool:
    is_for_soak = item.get_closest_marker("soak") is not None
    is_for_fabric = item.get_closest_marker("fabric") is not None
    is_of_soak = is_for_soak and os.environ.get(PROFILE_VARIABLE) != "soak"
    return is_of_soak or (is_for_fabric and FABRIC_VARIABLE not in os.environ)


def _seconds(item: pytest.Item) -> float:
    lasts = item.get_closest_marker("lasts")
    return 0.0 if lasts is None else lasts.args[0]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped or expectedly failing test into a failed one."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped test file into a failed one."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        del report.wasxfail  # else pytest counts it as expected
        return f"expected to fail ({expected})"
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.fixture(autouse=True, scope="module")
def _logs_as_before_the_file() -> Generator[None]:
    """Undo what fixtures of a whole file did to our logger, as a command that they ran."""
    with _keep_logs():
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Generator[None]:
    """Undo what a test did to our logger: it may have written to a stream that is gone after it."""
    with _keep_logs():
        yield


@contextmanager
def _keep_logs() -> Generator[None]:
    logger = logging.getLogger(ROOT)
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logger.propagate = propagate
