"""What holds for every test: nothing is skipped in CI, and a big matrix is run by a sample that rotates."""

import os
import random
from collections.abc import Generator, Sequence
from datetime import UTC, datetime

import pytest

STRICT = bool(os.environ.get("CI"))
COVERAGE = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-matrix", action="store_true", help="run every case of the tests marked matrix")
    parser.addoption("--seed", type=int, default=None, help="which cases of a matrix are run (default: the day)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "matrix(sample, group=''): of its many cases (or of all tests of a group), run a seeded sample of this size",
    )
    config.stash[COVERAGE] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    given = config.getoption("--seed")
    seed = int(f"{datetime.now(UTC):%Y%m%d}") if given is None else given
    whole = bool(config.getoption("--whole-matrix"))
    left_out: list[pytest.Item] = []
    for test, cases in _matrices(items).items():
        size = len(cases) if whole else min(len(cases), _sample_size(cases[0]))
        chosen = _sample(test, cases, size, seed)
        left_out += [case for case in cases if case not in chosen]
        config.stash[COVERAGE].append(f"{test}: {size} of {len(cases)} cases, seed {seed}")
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        dropped = {id(item) for item in left_out}
        items[:] = [item for item in items if id(item) not in dropped]


def _matrices(items: Sequence[pytest.Item]) -> dict[str, list[pytest.Item]]:
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        if (marker := item.get_closest_marker("matrix")) is not None:
            name = marker.kwargs.get("group") or item.nodeid.partition("[")[0]
            found.setdefault(name, []).append(item)
    return found


def _sample_size(case: pytest.Item) -> int:
    marker = case.get_closest_marker("matrix")
    assert marker is not None
    size: int = marker.kwargs["sample"]
    return size


def _sample(test: str, cases: list[pytest.Item], size: int, seed: int) -> list[pytest.Item]:
    return random.Random(f"{test} {seed}").sample(cases, size)  # noqa: S311 - it must be repeatable


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    may_skip = item.get_closest_marker("live") is not None or hasattr(report, "wasxfail")
    if STRICT and report.skipped and not may_skip:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash[COVERAGE]:
        terminalreporter.write_line(f"matrix {line}")
