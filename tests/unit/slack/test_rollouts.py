"""What Slack shows of a canary fits where it stands, and offers the one thing that is to be done."""

import json
from typing import Any

import pytest

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.card import card
from bot.adapters.slack.posts import Post, pending
from bot.domain.incident import fold
from bot.domain.timeline import Entry, Kind
from tests.fakes import NOON
from tests.unit.web.story import ANA, opened

AROUND = Around("http://bot.test")
JUDGED = {
    "service": "search",
    "judgement": "rollback",
    "words": "20 % of 130 fail",
    "when": "breach",
    "picture": "ab" * 32,
}
SET = {"service": "search", "verb": "rollback", "before": "canary gets 10 %", "after": "canary gets 0 %"}
SET |= {"approved_by": "Ben", "reason": ""}
SAFE = {"service": "search", "judgement": "", "words": "Safe after 6 s.", "when": "verified", "safe": True}
DRIFTED = {"service": "search", "wanted": "canary gets 0 %", "now": "canary gets 10 %"}
ASKED: dict[str, Any] = {"run": "r1", "playbook": "rollback", "params": {}, "steps": [], "measured": {}, "plan": "ab"}
ASKED |= {"person": "U1", "name": "Ana", "expires_at": 2_000_000_000_000_000}

Told = tuple[Kind, dict[str, Any]]


def story(*told: Told) -> list[Entry]:
    made = opened()
    for kind, body in told:
        made.tell(kind, ANA, **body)
    return list(made.entries)


def shown(*told: Told) -> str:
    return json.dumps(card(fold(story(*told)), AROUND, NOON).blocks, ensure_ascii=False)


def post(*told: Told) -> Post:
    entries = story(*told)
    return pending(entries, entries[-1].seq - 1, AROUND)[-1]


def test_the_card_says_what_was_judged_and_offers_to_roll_back() -> None:
    said = shown((Kind.JUDGED, JUDGED))
    assert "*Canary: roll it back.* 20 % of 130 fail" in said
    assert "rollback search incident=INC-" in said
    assert "A second person is asked first." in said


@pytest.mark.parametrize(
    "then",
    [(Kind.APPROVAL_ASKED, ASKED), (Kind.TRAFFIC_SET, SET), (Kind.JUDGED, {**JUDGED, "judgement": "promote"})],
    ids=["asked for", "done", "better"],
)
def test_it_does_not_offer_what_is_asked_for_done_or_not_needed(then: Told) -> None:
    assert "rollback search" not in shown((Kind.JUDGED, JUDGED), then)


def test_the_card_says_what_was_done_whether_it_helped_and_who_undid_it() -> None:
    done: list[Told] = [(Kind.JUDGED, JUDGED), (Kind.TRAFFIC_SET, SET), (Kind.JUDGED, SAFE)]
    assert (
        "Rolled back search, approved by Ben: canary gets 0 %; before, canary gets 10 %. *Safe after 6 s.*"
    ) in shown(*done)
    undone = shown(*done, (Kind.DRIFTED, DRIFTED))
    assert "*Not what FirstFive set.* Somebody else has changed the router of search" in undone
    assert "rollback search incident=INC-" in undone


@pytest.mark.parametrize(
    ("told", "text", "does", "in_thread"),
    [
        ((Kind.JUDGED, JUDGED), "*Canary of search: roll it back.* 20 % of 130 fail", "rollback search", False),
        ((Kind.JUDGED, {**JUDGED, "when": "looked"}), "*Canary of search: roll it back.*", "rollback search", True),
        ((Kind.JUDGED, {**JUDGED, "judgement": "inconclusive"}), "*Canary of search: not clear.*", "", False),
        ((Kind.TRAFFIC_SET, SET), "*Rolled back search:* canary gets 0 %. Approved by Ben.", "restore search", False),
        ((Kind.TRAFFIC_SET, {**SET, "verb": "restore"}), "*The rollback of search is taken back:*", "", False),
        ((Kind.JUDGED, SAFE), "*Safe after 6 s.*", "mitigate", False),
        ((Kind.JUDGED, {**SAFE, "safe": False}), "Safe after 6 s.", "", False),
        ((Kind.DRIFTED, DRIFTED), "*Not what FirstFive set.*", "rollback search", False),
    ],
)
def test_each_is_told_once_with_what_can_be_done_about_it(told: Told, text: str, does: str, *, in_thread: bool) -> None:
    made = post(told)
    blocks = json.dumps(made.message.blocks, ensure_ascii=False)
    assert text in blocks
    assert (f'\\"do\\": \\"{does} ' in blocks) if does else ("do" not in blocks)
    assert made.in_thread is in_thread


def test_the_picture_of_both_tracks_is_attached() -> None:
    made = post((Kind.JUDGED, JUDGED))
    assert (made.file, made.file_name) == ("ab" * 32, "canary-search.png")
    assert not post((Kind.JUDGED, {**JUDGED, "picture": ""})).file


def test_the_ask_of_the_sop_offers_it_when_the_canary_is_bad() -> None:
    asked = {"text": "Roll back search: its canary is bad.", "person": ""}
    assert "rollback search" in json.dumps(post((Kind.ASKED, {**asked, "rollback": "search"})).message.blocks)
    assert "rollback search" not in json.dumps(post((Kind.ASKED, asked)).message.blocks)
