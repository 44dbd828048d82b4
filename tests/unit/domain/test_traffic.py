"""A split in words, what of it a router can do, and whether somebody else has left the course."""

import pytest

from bot.domain.traffic import CLOSED, EMPTIED, Course, Split


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (Split(), "nothing is known of it"),
        (Split(12.5, dyed=True), "canary gets 12.5 %, marked requests reach it"),
        (Split(release="r4", note="synced by a controller"), "release r4, synced by a controller"),
    ],
)
def test_a_split_is_said_in_a_line(split: Split, words: str) -> None:
    assert split.words == words


@pytest.mark.parametrize(
    ("does", "wanted", "meets"),
    [
        (Split(weight=9.6, dyed=True), Split(weight=10.0), True),
        (Split(weight=9.4), Split(weight=10.0), False),
        (Split(weight=0.0, dyed=True), EMPTIED, True),
        (Split(weight=0.4), EMPTIED, False),
        (Split(weight=0.0, dyed=True), CLOSED, False),
        (Split(weight=0.0, dyed=False, note="held"), CLOSED, True),
        (Split(), EMPTIED, False),
        (Split(release="v2"), Split(release="v1"), False),
        (Split(release="v1"), Split(), True),
    ],
    ids=str,
)
def test_half_a_percent_is_near_enough_but_nothing_is_nothing(does: Split, wanted: Split, *, meets: bool) -> None:
    assert does.meets(wanted) is meets


def test_only_what_a_router_tells_is_wanted_of_it() -> None:
    assert CLOSED.within(Split(10.0)) == Split(0.0)
    assert CLOSED.within(Split(release="r5")) == Split()
    assert Split(0.0, release="r4").within(Split(release="r5")) == Split(release="r4")


COURSE = Course(Split(10.0, dyed=True, release="r5"), Split(0.0, dyed=False, release="r4"), ())


@pytest.mark.parametrize(
    ("now", "strays"),
    [
        (COURSE.before, False),
        (COURSE.wanted, False),
        (Split(0.0, dyed=True, release="r5"), False),
        (Split(10.0, dyed=False, release="r4"), False),
        (Split(50.0, dyed=True, release="r5"), True),
        (Split(0.0, dyed=False, release="r6"), True),
    ],
)
def test_a_router_on_its_way_does_not_stray(now: Split, *, strays: bool) -> None:
    assert COURSE.strays(now) is strays


def test_what_stays_as_it_is_must_not_change_either() -> None:
    course = Course(Split(10.0, dyed=True), Split(0.0), ())
    assert not course.strays(Split(0.0, dyed=True))
    assert course.strays(Split(0.0, dyed=False))
