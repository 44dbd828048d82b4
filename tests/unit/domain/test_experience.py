"""What users saw around an incident: the right time is asked about, and what is not known is never drawn as good."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.chronicle import milestones
from bot.domain.drawing import Box, Label
from bot.domain.experience import Experience, measured, read, shapes, window, words, write
from bot.domain.picture import experience_svg
from tests.unit.web.story import OPENED_AT, opened, whole

NUMBERS = st.none() | st.floats(0, 1e6, allow_nan=False)


def test_it_is_looked_at_from_before_the_start_until_after_the_end() -> None:
    story = whole()
    at = window(story.incident, story.now + timedelta(hours=9))
    assert at.until == story.incident.milestones["resolved"] + timedelta(minutes=15)
    assert at.until - at.length == story.incident.milestones["started"] - timedelta(minutes=15)
    assert at.length // at.step <= 120
    assert window(story.incident, story.now).until == story.now
    assert window(opened().incident, OPENED_AT).step == timedelta(seconds=15)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=130), st.integers(1, 10**6))
def test_what_is_written_is_read_back(rows: list[tuple[float | None, float | None]], step_s: int) -> None:
    it = Experience("checkout", OPENED_AT, step_s, tuple(e for e, _ in rows), tuple(p for _, p in rows))
    assert read(write(it)) == it
    assert isinstance(words(it), str)
    assert shapes(it, ())[0] > 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format":"firstfive-experience-1"}', b"[" * 99_999])
def test_what_is_no_such_artifact_is_nothing(content: bytes) -> None:
    assert read(content) is None


def test_the_picture_shows_the_height_of_the_trouble_and_what_was_reached() -> None:
    story = whole()
    at = window(story.incident, story.now + timedelta(hours=1))
    count = at.length // at.step
    errors = [0.0] * (count // 2) + [0.5] + [0.0] * (count - count // 2 - 1)
    it = measured("checkout", at, errors, None)
    height, drawn = shapes(it, milestones(story.incident))
    said = [each.text for each in drawn if isinstance(each, Label)]
    assert "max 50" in said
    assert "mitigated 03:03:54" in said
    assert not any("P95" in each for each in said)
    assert sum(isinstance(each, Box) and each.width > 1 and each.height > 20 for each in drawn) == 1
    assert "error ratio 0 % at first, 50 % at most, 0 % at the end, P95 unknown" in words(it)
    assert 'aria-label="checkout from' in experience_svg(it, milestones(story.incident))
    assert all(each.y <= height for each in drawn)
    assert not measured("checkout", at, None, None).is_known
