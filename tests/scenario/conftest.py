"""Whatever the bot sent in the scenarios must pass the oracles; they are asked once, after the last."""

from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.oracles.sent import SEEN
from tests.oracles.verdict import verdict

# Two cores do much else meanwhile; what comes at once is not waited for.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session", autouse=True)
def _slack_would_take_it_all() -> Iterator[None]:
    yield
    assert verdict(SEEN.values()) == []
