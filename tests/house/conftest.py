"""House tests measure; what they measured is printed after the run."""

from collections.abc import Callable

import pytest

TOLD = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash.setdefault(TOLD, [])


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    told: list[str] = request.config.stash.setdefault(TOLD, [])
    return told.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(TOLD, []):
        terminalreporter.write_line(line)
