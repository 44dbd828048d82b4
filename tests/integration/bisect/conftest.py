from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.adapters.bisect.jobs import Bubblewrap, Limits
from bot.adapters.bisect.objects import Objects
from bot.adapters.bisect.prober import GitProber
from bot.lab import folders, toolchain
from tests.bisecting.repositories import Small


@pytest.fixture(scope="session")
def state() -> Path:
    """Where Go's cache is kept from one run of the tests to the next: to build its library takes a minute."""
    return folders.cache() / "bisect-tests"


@pytest.fixture(scope="session")
def go_command() -> str:
    return str(toolchain.find_go())


@pytest.fixture
async def prober(state: Path, go_command: str) -> AsyncIterator[GitProber]:
    prober = GitProber(state, Bubblewrap(state, Limits()), workers=2, command=go_command)
    yield prober
    await prober.close()


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small.new(tmp_path / "repository")


@pytest.fixture
def objects(small: Small) -> Iterator[Objects]:
    objects = Objects(small.folder)
    yield objects
    objects.close()
