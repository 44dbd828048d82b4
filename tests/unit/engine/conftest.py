from collections.abc import Iterator, Sequence

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def logs() -> Iterator[Sequence[object]]:
    """Keep what is logged, instead of drawing it."""
    with capture_logs() as entries:
        yield entries
