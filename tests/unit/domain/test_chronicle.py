"""An incident at a glance: nothing is left out, everything is in its place, and the same gives the same."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.chronicle import WIDTH, chronicle, heads, shapes
from bot.domain.drawing import LETTER_ADVANCE, Box, Label
from bot.domain.picture import glance, glance_png
from bot.domain.timeline import Kind
from tests.unit.web.story import BEN, Story, captured, declared, diagnosed, opened, waiting, whole


def labels(story: Story) -> list[Label]:
    return [each for each in shapes(chronicle(story.incident, story.entries))[1] if isinstance(each, Label)]


def test_it_names_what_was_reached_and_what_ran() -> None:
    said = [each.text for each in labels(whole())]
    for words in ("started 02:58:00", "located 03:01:16", "resolved 03:21:57", "Five minutes", "snapshot", "People"):
        assert words in said
    it = chronicle(whole().incident, whole().entries)
    assert "mitigated at 03:03:54 UTC" in it.words
    assert [span.title for span in it.lanes[0].spans][:2] == ["Declare", "Capture"]


@pytest.mark.parametrize("story", [opened(), declared(opened()), diagnosed(captured(declared(opened()))), whole()])
def test_everything_is_inside_of_the_picture(story: Story) -> None:
    height, drawn = shapes(chronicle(story.incident, story.entries))
    for each in drawn:
        wide = each.width if isinstance(each, Box) else len(each.text) * LETTER_ADVANCE * 2
        left = each.x - wide if isinstance(each, Label) and each.ends else each.x
        assert left >= 0, each
        assert left + wide <= WIDTH, each
        assert 0 <= each.y < height, each


def test_a_long_incident_has_its_five_minutes_in_half_of_the_picture() -> None:
    story = waiting(diagnosed(captured(declared(opened()))))
    assert chronicle(story.incident, story.entries).bend is None
    story.later(3 * 86_400).tell(Kind.NOTE, BEN, text="still looking")
    it = chronicle(story.incident, story.entries)
    assert it.bend == story.incident.deadline_at
    assert it.end - it.begin > timedelta(days=3)
    shaded = next(each for each in shapes(it)[1] if isinstance(each, Box))
    assert shaded.x + shaded.width == pytest.approx((shaded.x + WIDTH - 24) / 2, abs=1)


def test_a_run_that_never_ended_is_drawn_to_the_end_and_what_was_blanked_is_left_out() -> None:
    story = declared(opened())
    with story.run("run-x"):
        story.tell(Kind.RUN_STARTED, playbook="bisect", params={})
    story.later(60).tell(Kind.NOTE, BEN, text="x")
    lane = next(each for each in chronicle(story.incident, story.entries).lanes if each.title == "bisect")
    assert (lane.spans[0].state, lane.spans[0].end) == ("running", story.now)
    story.blank(len(story.entries) - 1)
    assert "bisect" not in [each.title for each in chronicle(story.incident, story.entries).lanes]


def test_the_svg_escapes_its_words_and_the_same_gives_the_same() -> None:
    story = declared(opened())
    with story.run("run-x"):
        story.tell(Kind.RUN_STARTED, playbook="<script>&", params={})
    it = chronicle(story.incident, story.entries)
    parsed = ET.fromstring(glance(it))  # noqa: S314 - our own
    assert "<script>&" in [each.text for each in parsed.iter("text")]
    assert glance_png(it) == glance_png(it)


@given(st.lists(st.tuples(st.text(alphabet="abc", min_size=1, max_size=30), st.integers(0, WIDTH - 30)), max_size=12))
def test_no_words_above_the_lanes_lie_over_others(marks: list[tuple[str, int]]) -> None:
    placed, high = heads(sorted(marks, key=lambda each: each[1]))
    boxes = [(left, left + len(words) * LETTER_ADVANCE * 2, y) for _, left, words, y in placed]
    assert all(y < high for *_, y in boxes)
    for number, (left, right, y) in enumerate(boxes):
        for other_left, other_right, other_y in boxes[:number]:
            assert y != other_y or right <= other_left or other_right <= left
