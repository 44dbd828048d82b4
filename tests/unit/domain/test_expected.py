"""Which deploy stands, and when another release may run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.deploys import WAITS, Deploy
from bot.domain.expected import ROLLS_OUT, Expected, Lineage, changing, is_idle, standing, unreplaced
from bot.domain.traffic import CLOSED, Split

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = Deploy("checkout", "v1", NOW - timedelta(days=2), commit="a" * 40, source="typed")
SECOND = Deploy("checkout", "v2", NOW - timedelta(hours=1), "Ada", "b" * 40, "webhook")
TAG = Deploy("checkout", "v3", NOW - timedelta(hours=1), commit="c" * 40, source="tag")
TAKEN_BACK = replace(SECOND, rolled_back_at=NOW - ROLLS_OUT)


def test_the_last_deploy_stands_unless_it_was_taken_back() -> None:
    assert standing([FIRST, SECOND]) == SECOND
    assert standing([FIRST, TAKEN_BACK]) == FIRST


def test_what_the_gate_let_through_replaces_nothing_until_somebody_tells_of_it() -> None:
    allowed, again = (replace(SECOND, release=name, source="gate") for name in ("v3", "v4"))
    assert unreplaced([FIRST, SECOND], NOW) == unreplaced([], NOW) == unreplaced([allowed], NOW) == ()
    assert (standing([FIRST, SECOND, allowed]), unreplaced([FIRST, SECOND, allowed], NOW)) == (allowed, (SECOND,))
    assert unreplaced([FIRST, SECOND, allowed, again], NOW) == (allowed, SECOND)
    assert unreplaced([FIRST, TAKEN_BACK, allowed, TAG], NOW) == (FIRST,)
    assert unreplaced([replace(FIRST, source="gate"), allowed, again], NOW) == (allowed, replace(FIRST, source="gate"))


def test_one_that_was_told_once_does_not_run_for_ever_where_nobody_else_is_told_of() -> None:
    days = [replace(FIRST, release=f"v{day}", at=NOW + timedelta(days=day), source="gate") for day in range(2, 6)]
    assert unreplaced([FIRST, *days[:2]], days[1].at) == (days[0], FIRST)
    assert unreplaced([FIRST, *days], days[-1].at) == (days[2], days[1], days[0])
    assert unreplaced([FIRST, *days], days[0].at + WAITS - timedelta(minutes=1)) == (*days[2::-1], FIRST)
    assert unreplaced(days, days[-1].at) == (days[2], days[1], days[0])
    assert unreplaced([FIRST, *days], days[-1].at + WAITS) == ()
    assert unreplaced([FIRST, days[0]], days[0].at + WAITS) == ()


def test_a_tag_deploys_nothing() -> None:
    assert standing([FIRST, TAG]) == FIRST
    assert standing([TAG]) is None
    assert changing([replace(TAG, at=NOW)], None, NOW) == ""


@pytest.mark.parametrize(
    ("deploys", "split", "words"),
    [
        ([FIRST, SECOND], None, ""),
        ([FIRST, SECOND], Split(weight=0.0), ""),
        ([FIRST, SECOND], Split(weight=100.0), ""),
        ([FIRST, SECOND], Split(weight=10.0), "the router says: canary gets 10 %"),
        ([FIRST, SECOND], Split(weight=0.0, dyed=True), "the router says: canary gets 0 %, marked requests reach it"),
        ([replace(SECOND, at=NOW - ROLLS_OUT)], None, ""),
        ([replace(SECOND, at=NOW - timedelta(minutes=9))], None, "v2 (bbbbbbb) by Ada was deployed at 11:51 UTC"),
        ([FIRST, TAKEN_BACK], None, ""),
        (
            [FIRST, replace(SECOND, rolled_back_at=NOW - timedelta(minutes=1))],
            None,
            "v2 (bbbbbbb) by Ada was taken back at 11:59 UTC",
        ),
    ],
)
def test_a_rollout_under_way_is_known_by_its_age_or_by_the_router(
    deploys: list[Deploy], split: Split | None, words: str
) -> None:
    assert changing(deploys, split, NOW) == words


def test_a_canary_that_was_rolled_back_is_idle_while_it_gets_nothing() -> None:
    assert is_idle([FIRST, TAKEN_BACK], CLOSED, "b" * 40)
    assert not is_idle([FIRST, TAKEN_BACK], None, "b" * 40)
    assert not is_idle([FIRST, TAKEN_BACK], CLOSED, "a" * 40)
    assert not is_idle([FIRST, SECOND], CLOSED, "b" * 40)
    assert not is_idle([replace(TAKEN_BACK, commit="")], CLOSED, "b" * 40)


def test_commits_are_the_same_as_far_as_both_are_told() -> None:
    assert Expected(SECOND).meets("b" * 12)
    assert Expected(SECOND).meets("a" * 40) is False
    assert Expected(SECOND).meets("") is None
    assert Expected(replace(SECOND, commit="")).meets("b" * 40) is None
    assert Expected(replace(SECOND, commit=""), Lineage("b" * 40, ("v2",), "b" * 40)).meets("b" * 7)
