"""A drill's score from its timeline, and the league that scores come to."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.incident import fold
from bot.domain.league import league, tell
from bot.domain.narrative import tell as told
from bot.domain.scores import Score, card, lines, middle, of_entry, read, score, seal, write
from bot.domain.timeline import FIRSTFIVE, Kind, to_us
from tests.unit.web.story import ANA, BEN, OPENED_AT, Story

BLANK = Score("goroutine-leak", "checkout-3", "medium", "checkout", blind=True, began_us=to_us(OPENED_AT), how="mended")


def drilled(**changes: Any) -> Score:
    return Score(**{**BLANK.__dict__, **changes})


def story() -> Story:
    """A drill that both FirstFive and Ben locate, after a wrong verdict and a wrong answer."""
    told_ = Story().tell(
        Kind.OPENED, title="DRILL: something is wrong", severity="SEV3", service="checkout", drill=True
    )
    told_.milestone("started", source="drill").milestone("detected", source="drill")
    told_.later(3).tell(Kind.ARTIFACT, FIRSTFIVE, name="snapshot-checkout-1.tar.gz", sha256="0f", bytes=9, what="")
    told_.later(1).tell(Kind.VERDICT, FIRSTFIVE, verdict="deadlock", statement="")
    told_.later(1).tell(Kind.VERDICT, FIRSTFIVE, verdict="goroutine-leak", statement="")
    told_.later(7).tell(Kind.MILESTONE, BEN, milestone="acknowledged", at=to_us(told_.now), source="Ben Okafor")
    told_.later(8).tell(Kind.DRILL_ANSWERED, BEN, **{"class": "deadlock"})
    told_.later(20).tell(Kind.DRILL_ANSWERED, BEN, **{"class": "goroutine-leak"})
    told_.later(1).tell(Kind.DRILL_ANSWERED, ANA, **{"class": "heap-growth"})
    return told_.later(20).tell(Kind.MILESTONE, ANA, milestone="mitigated", at=to_us(told_.now), source="Ana Lima")


def test_every_time_is_counted_from_the_moment_the_fault_was_on() -> None:
    found = score(story().entries, BLANK)

    assert (found.ack_s, found.snapshot_s, found.verdict_s, found.people_s, found.mitigated_s) == (12, 3, 5, 40, 61)
    assert (found.acked_by, found.found_by, found.mitigated_by) == ("Ben Okafor", "Ben Okafor", "Ana Lima")
    assert found.wrong == "deadlock"


def test_a_class_that_is_found_beside_the_verdict_is_named_too() -> None:
    told_ = Story().later(4).tell(Kind.FINDING, FIRSTFIVE, fault_class="goroutine-leak", target="checkout-3", claim="x")
    told_.later(1).tell(Kind.VERDICT, FIRSTFIVE, verdict="deadlock", statement="")

    assert score(told_.entries, BLANK).verdict_s == 4
    assert score(told_.entries, drilled(fault="heap-growth")).verdict_s is None


def test_an_answer_that_is_taken_back_counts_for_nothing_and_a_corrected_milestone_counts() -> None:
    told_ = story().tell(Kind.DRILL_ANSWERED, BEN, **{"class": "deadlock"})
    told_.tell(Kind.MILESTONE, ANA, milestone="mitigated", at=to_us(OPENED_AT + timedelta(seconds=50)), source="x")
    found = score(told_.entries, BLANK)

    assert (found.people_s, found.mitigated_s) == (None, 50)


def test_who_says_that_it_is_located_has_located_it() -> None:
    told_ = Story().later(30)
    told_.tell(Kind.MILESTONE, BEN, milestone="located", at=to_us(told_.now), source="set by Ben Okafor")
    assert score(told_.entries, BLANK).people_s == 30
    assert score(Story().milestone("located", source="verdict").entries, BLANK).people_s is None


def test_a_score_that_is_kept_is_read_again_and_one_of_a_later_release_too() -> None:
    kept = write(drilled(ack_s=1.5))
    told_ = Story().tell(Kind.DRILL_ENDED, FIRSTFIVE, real=True, score={**kept, "unheard_of": 1})
    told_.tell(Kind.DRILL_ENDED, FIRSTFIVE, real=False, score={}).tell(Kind.NOTE, text="x")

    assert read(told_.entries) == (drilled(ack_s=1.5, incident_id="INC-7"),)
    assert of_entry(told_.blank(1).entries[0]) is None


def test_a_card_says_who_how_fast_and_what_it_was_before() -> None:
    before = middle([drilled(ack_s=10.0, verdict_s=4.0), drilled(ack_s=20.0, people_s=60.0)])
    ended = {"how": "mitigated", "by": "Ana", "was_on": True, "gone": False, "left": "checkout-3 does not answer"}
    found = drilled(ack_s=12.0, acked_by="Ben", wrong="deadlock", mitigated_s=61.0, mitigated_by="Ana")

    assert before == {"drills": 2, "ack_s": 15.0, "verdict_s": 4.0, "people_s": 60.0}
    assert card(found, ended, before) == (
        "The drill is over, mitigated by Ana: goroutine-leak on checkout-3 (medium, blind).",
        "Acknowledged by Ben: 12 s (15 s)",
        "Snapshot: never",
        "FirstFive was wrong: it named deadlock (4.0 s)",
        "Located by people: never (1 min)",
        "Mitigated by Ana: 1 min 1 s",
        "Beside it: 4.2 min to locate, and the median of 2 earlier of this class in brackets.",
        "The fault was on still when it was called mitigated; FirstFive took it back.",
        "A new diagnosis names it still.",
        "checkout-3 does not answer. What is on there goes on.",
    )


def test_the_first_of_a_class_has_nothing_to_be_compared_with() -> None:
    told_ = lines(drilled(verdict_s=4.6, mitigated_s=20.0, verified_s=24.0), middle([]))
    assert told_[-3:] == (
        "FirstFive named the class after 4.6 s",
        "Mitigated: 20 s, seen to be gone after 24 s",
        "Beside it: 4.2 min to locate; the first of its class.",
    )


def test_what_was_never_named_is_not_seen_to_be_gone() -> None:
    assert "Mitigated: 20 s" in lines(drilled(mitigated_s=20.0, verified_s=24.0), middle([]))


def test_what_a_blind_drill_shows_tells_nothing_and_proves_all() -> None:
    shown = {seal("nonce", fault, "checkout-3") for fault in ("deadlock", "goroutine-leak")}
    assert len(shown) == 2
    assert seal("nonce", "deadlock", "checkout-3") in shown
    assert seal("other", "deadlock", "checkout-3") not in shown


def test_an_incident_stays_a_drill_when_its_opening_is_blanked() -> None:
    body = {"service": "checkout", "class": "", "ends_at": to_us(OPENED_AT)}
    told_ = story().tell(Kind.DRILL_STARTED, ANA, **body).blank(1)
    assert fold(told_.entries).drill
    assert (
        told(told_.entries[-1]) == "Began a drill on checkout: a fault that nobody is told, until 03:01:12 UTC at most."
    )


@pytest.mark.parametrize(
    ("verdict_s", "gone", "said"),
    [
        (4.0, True, "It was goroutine-leak on checkout-3; a new diagnosis names it no more."),
        (4.0, False, "It was goroutine-leak on checkout-3; a new diagnosis names it still."),
        (4.0, None, "It was goroutine-leak on checkout-3."),
        (None, True, "It was goroutine-leak on checkout-3."),
    ],
)
def test_an_incident_says_what_its_drill_was_once_it_is_over(
    verdict_s: float | None,
    gone: bool | None,  # noqa: FBT001 - a case
    said: str,
) -> None:
    kept = write(drilled(verdict_s=verdict_s))
    assert fold(story().entries).drilled == ""
    assert fold(story().tell(Kind.DRILL_ENDED, FIRSTFIVE, real=True, score=kept, gone=gone).entries).drilled == said
    assert fold(story().tell(Kind.DRILL_ENDED, FIRSTFIVE, real=False, score={}).entries).drilled == ""


def test_the_league_has_a_place_for_every_class_the_fastest_first() -> None:
    assert tell(league([])) == ""
    one = league([drilled(verdict_s=4.6)])
    assert [(place.fault, place.drills, place.machine_s, place.people_s) for place in one] == [
        ("goroutine-leak", 1, 4.6, None)
    ]
    later = BLANK.began_us + 86_400_000_000
    many = league(
        [
            drilled(verdict_s=6.0, people_s=30.0, began_us=later, mitigated_s=61.0),
            drilled(verdict_s=4.0),
            drilled(fault="deadlock"),
            drilled(fault="heap-growth", verdict_s=1.0),
        ]
    )
    assert [(place.fault, place.right, place.drills) for place in many] == [
        ("heap-growth", 1, 1),
        ("goroutine-leak", 2, 2),
        ("deadlock", 0, 1),
    ]
    assert tell(many).splitlines() == [
        "*Drills*, located by FirstFive beside 4.2 min:",
        "• heap-growth: 1.0 s; once, last 2026-11-22, not mitigated",
        "• goroutine-leak: 5.0 s, by people 30 s; 2 times, last 2026-11-23, mitigated after 1 min 1 s",
        "• deadlock: never; once, last 2026-11-22, not mitigated",
    ]


def test_of_many_classes_ten_are_told() -> None:
    places = league([drilled(fault=f"class-{n}", verdict_s=float(n)) for n in range(12)])
    assert tell(places).splitlines()[-1] == "… and 2 more"
