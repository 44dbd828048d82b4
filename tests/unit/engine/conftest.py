from collections.abc import Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from tests.unit.engine.house import House


@pytest.fixture(autouse=True)
def logs() -> Iterator[Sequence[object]]:
    """Keep what is logged, instead of drawing it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def house() -> House:
    return House()
