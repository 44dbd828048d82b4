from collections.abc import Callable

import pytest

from bot.domain.dyeing import BASELINE, CANARY, Dyeing, Front, Landed, Mark, Request, read, requests
from bot.domain.traffic import CLOSED, EMPTIED, Split

FRONT = Front("http://127.0.0.1:8440")
OPEN = Split(weight=10.0, dyed=True)

Lands = Callable[[Request], str]


def by(*order: Mark) -> Lands:
    """A router that obeys the first of these marks that a request has."""
    return lambda request: next((request.marks[mark] for mark in order if mark in request.marks), BASELINE)


def shown(lands: Lands, split: Split | None = None) -> Dyeing:
    return read(FRONT, [Landed(each, lands(each), each.id) for each in requests("t", 4)], split)


def test_every_request_has_an_id_of_its_own_and_every_mark_meets_every_other() -> None:
    sent = requests("t", 5)
    pairs = {tuple(sorted(each.marks.items())) for each in sent if len(each.marks) == 2}

    assert len({each.id for each in sent}) == len(sent)
    assert [each.marks for each in sent[:5]] == [{}] * 5
    assert len(pairs) == 6


@pytest.mark.parametrize(
    "order",
    [(Mark.HEADER, Mark.COOKIE, Mark.ARGUMENT), (Mark.ARGUMENT, Mark.HEADER, Mark.COOKIE)],
)
def test_which_mark_wins_is_told(order: tuple[Mark, ...]) -> None:
    dyeing = shown(by(*order), OPEN)

    assert dyeing.order == order
    assert f"where marks differ, the {order[0]} wins over the {order[1]}, and that over the {order[2]}" in dyeing.facts
    assert dyeing.flaws == ()


def test_a_router_that_knows_one_mark_has_no_order() -> None:
    assert shown(by(Mark.HEADER), OPEN).order == ()


def test_marks_of_which_any_is_enough_have_no_order() -> None:
    assert shown(lambda each: CANARY if CANARY in each.marks.values() else BASELINE, OPEN).order == ()


def test_a_closed_canary_gets_nothing() -> None:
    dyeing = shown(lambda _: BASELINE, CLOSED)

    assert dyeing.flaws == ()
    assert dyeing.marked_reach_canary is False
    assert "marked by header: 3 baseline" in dyeing.facts


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (CLOSED, "the canary is not closed: requests marked by header still reach it"),
        (EMPTIED, "the weight is 0, and requests marked by header still reach the canary"),
    ],
)
def test_a_header_route_that_is_left_open_is_a_flaw(split: Split, said: str) -> None:
    assert shown(by(Mark.HEADER), split).flaws == (said,)


def test_an_open_way_that_the_router_told_of_is_none() -> None:
    assert shown(by(Mark.HEADER), Split(weight=0.0, dyed=True)).flaws == ()


def test_a_canary_that_should_get_nothing_and_gets_something_is_a_flaw() -> None:
    flaws = shown(lambda each: BASELINE if each.marks else CANARY, CLOSED).flaws

    assert flaws == ("the router says that the canary gets nothing, and 4 unmarked requests reached it",)


@pytest.mark.parametrize(
    ("lands", "split", "said"),
    [
        (by(), OPEN, "the router says that marked requests reach the canary, and by the header none does"),
        (
            lambda each: BASELINE if each.marks else CANARY,
            None,
            "unmarked requests reach the canary, and those marked for it by the header do not",
        ),
    ],
)
def test_a_header_that_nobody_obeys_is_a_flaw(lands: Lands, split: Split | None, said: str) -> None:
    assert said in shown(lands, split).flaws


def test_ids_that_are_lost_or_changed_are_counted() -> None:
    sent = requests("t", 2)
    ids = ["", "other", *(each.id for each in sent[2:])]
    dyeing = read(FRONT, [Landed(each, BASELINE, told) for each, told in zip(sent, ids, strict=True)], None)

    assert dyeing.flaws == (
        "X-Request-ID does not come back on 1 of 17 answers",
        "X-Request-ID comes back changed on 1 of 17 answers (t-2 came back as other)",
    )
    assert not any("unchanged" in fact for fact in dyeing.facts)


def test_a_mark_that_the_service_sees_changed_is_a_flaw() -> None:
    sent = requests("t", 1)
    landed = [Landed(each, BASELINE, each.id, phase="prod") for each in sent]

    assert (
        "X-Release-Phase reaches the service changed: nothing was sent, prod came back"
        in read(FRONT, landed, None).flaws
    )


def test_without_answers_nothing_is_claimed() -> None:
    dyeing = read(FRONT, [Landed(each, error="connection refused") for each in requests("t", 1)], OPEN)

    assert dyeing == Dyeing((), ("http://127.0.0.1:8440 did not answer: connection refused",), (), None)


def test_answers_that_tell_no_track_say_what_is_missing() -> None:
    dyeing = shown(lambda _: "", OPEN)

    assert dyeing.flaws == ("no answer tells its track: no header `X-Track`",)
    assert dyeing.marked_reach_canary is None
