from datetime import timedelta

import pytest

from bot.domain.errors import CommandRejected
from bot.domain.service import Catalog
from bot.engine.grammar import parse, span
from tests.unit.playbooks.desk import REGISTRY


@pytest.mark.parametrize(
    ("text", "minutes"), [("30m", 30), ("30", 30), ("90 min", 90), ("2h", 120), ("1D", 1_440), ("0m", 0)]
)
def test_a_length_of_time_is_read(text: str, minutes: int) -> None:
    assert span(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5s", "1h30m", "99999m"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandRejected, match="is not a length of time"):
        span(text)


@pytest.mark.parametrize("words", ["snooze 2h INC-7", "snooze INC-7 2h", "snooze time=2h incident=INC-7"])
def test_it_is_typed_as_people_do(words: str) -> None:
    parsed = parse(REGISTRY, words, Catalog())
    assert (parsed.params, parsed.incident_id) == ({"time": "2h"}, "INC-7")
