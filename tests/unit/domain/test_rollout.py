"""An incident knows where its canary stands: what was judged last, and what was done about it."""

from typing import Any

import pytest

from bot.domain.narrative import tell
from bot.domain.rollout import Rollout, follow
from bot.domain.timeline import Entry, Kind
from tests.unit.web.story import ANA, Story

JUDGED = {"service": "search", "judgement": "rollback", "words": "20 % of 130 fail", "when": "breach"}
SET = {"service": "search", "verb": "rollback", "before": "canary gets 10 %", "after": "canary gets 0 %"}
SET |= {"approved_by": "Ben", "reason": ""}
SAFE = {"service": "search", "judgement": "", "words": "Safe after 6 s.", "when": "verified", "safe": True}
DRIFTED = {"service": "search", "wanted": "canary gets 0 %", "now": "canary gets 10 %"}


def entry(kind: Kind, body: dict[str, Any]) -> Entry:
    return Story().tell(kind, ANA, **body).entries[-1]


def after(*told: tuple[Kind, dict[str, Any]]) -> Rollout:
    rollout = None
    for kind, body in told:
        rollout = follow(rollout, entry(kind, body))
    assert rollout is not None
    return rollout


@pytest.mark.parametrize(
    ("judgement", "proposed"), [("rollback", True), ("hold", True), ("promote", False), ("inconclusive", False)]
)
def test_a_bad_judgement_asks_for_something_to_be_done(judgement: str, *, proposed: bool) -> None:
    rollout = after((Kind.JUDGED, {**JUDGED, "judgement": judgement}))
    assert (rollout.judgement, rollout.words, rollout.proposed) == (judgement, "20 % of 130 fail", proposed)


def test_what_was_done_ends_the_proposal_and_what_is_measured_then_is_known() -> None:
    rollout = after((Kind.JUDGED, JUDGED), (Kind.TRAFFIC_SET, SET), (Kind.JUDGED, SAFE))
    assert not rollout.proposed
    assert rollout.set_ == "Rolled back search, approved by Ben: canary gets 0 %; before, canary gets 10 %."
    assert (rollout.safe, rollout.judgement) == ("Safe after 6 s.", "rollback")


def test_what_somebody_else_has_undone_is_proposed_again() -> None:
    rollout = after((Kind.JUDGED, JUDGED), (Kind.TRAFFIC_SET, SET), (Kind.DRIFTED, DRIFTED))
    assert rollout.proposed
    assert "the router of search. FirstFive set it to: canary gets 0 %" in rollout.drift
    assert not after((Kind.TRAFFIC_SET, SET), (Kind.DRIFTED, DRIFTED)).proposed


def test_of_another_service_nothing_is_known_yet() -> None:
    rollout = after((Kind.JUDGED, JUDGED), (Kind.TRAFFIC_SET, {**SET, "service": "cart"}))
    assert (rollout.service, rollout.judgement) == ("cart", "")


@pytest.mark.parametrize("kind", [Kind.JUDGED, Kind.TRAFFIC_SET, Kind.DRIFTED])
def test_an_entry_of_another_release_can_be_told(kind: Kind) -> None:
    assert "search" in tell(entry(kind, {"service": "search"}))
