"""Both tracks in a picture and in signs, and whether users are safe."""

from dataclasses import replace

import pytest

from bot.domain.canary import Look
from bot.domain.tracks import lines, sight, trend, wellness
from tests.unit.domain.canaries import look, missing, seconds, track

BAD, GOOD = track(10, errors=2), track(90)


def test_two_panels_show_both_tracks() -> None:
    shown = trend([sight(each) for each in seconds(100, BAD, GOOD)])
    errors, latency = shown.panels
    assert (errors.title, latency.title) == ("errors, %: canary, baseline", "P95, ms: canary, baseline")
    assert (set(errors.values), set(errors.beside)) == ({20.0}, {0.0})
    assert (len(errors.values), errors.begins, errors.ends) == (34, "-99 s", "now")
    assert latency.values[0] == pytest.approx(47.5)


def test_signs_are_the_picture_where_there_is_none() -> None:
    looks = [*seconds(4, track(10), GOOD), *seconds(4, track(10, errors=10), GOOD, after=4), look(9, None, GOOD)]
    told = lines(trend([sight(each) for each in looks]))
    assert told[0] == "errors, % canary   ▁▁▁▁████  100"
    assert told[1] == "errors, % baseline ▁▁▁▁▁▁▁▁▁ 0"


def test_too_few_looks_are_no_picture() -> None:
    assert (trend([]), lines(trend([]))) == (trend([sight(look(1, BAD, GOOD))]), [])


def test_without_a_histogram_there_is_one_panel() -> None:
    looks = [replace(each, bounds=()) for each in seconds(5, replace(BAD, buckets=()), None)]
    assert [panel.title for panel in trend([sight(each) for each in looks]).panels] == ["errors, %: canary, baseline"]


@pytest.mark.parametrize(
    ("looks", "safe", "words"),
    [
        (seconds(5, None, GOOD), True, "errors 0 %, P95 48 ms"),
        (seconds(5, track(0), track(90, errors=9)), False, "errors 10 %, P95 48 ms"),
        ([*seconds(9, BAD, track(90, errors=90)), *seconds(10, None, GOOD, after=9)], True, "errors 0 %, P95 48 ms"),
        (seconds(2, None, GOOD), False, "errors 0 %, P95 48 ms"),
        (seconds(10, None, track(1)), False, "errors 0 %, P95 48 ms"),
        (seconds(10, track(0), track(0)), False, "errors 0 %"),
        ([missing(1)], False, "errors 0 %"),
    ],
    ids=["safe", "fails", "failed before", "too short", "too few", "nothing", "no numbers"],
)
def test_users_are_safe_when_surely_few_requests_fail(looks: list[Look], words: str, *, safe: bool) -> None:
    found = wellness(looks, 0.05)
    assert (found.safe, found.words) == (safe, words)


def test_users_are_not_safe_while_more_requests_than_usual_are_slow() -> None:
    looks = seconds(5, None, track(90, slow=9))
    assert wellness(looks, 0.05).safe
    assert not wellness(looks, 0.05, slow_s=0.5).safe
    assert wellness(looks, 0.05, slow_s=7.0).safe
