"""Whatever the bot sent in the scenarios must pass the oracles; they are asked once, after the last."""

from collections.abc import Iterator

import pytest

from tests.oracles.sent import SEEN
from tests.oracles.verdict import verdict


@pytest.fixture(scope="session", autouse=True)
def _slack_would_take_it_all() -> Iterator[None]:
    yield
    assert verdict(SEEN.values()) == []
