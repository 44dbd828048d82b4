"""What is offered next fits the state of the incident; every verb has its place, or its reason for having none."""

import pytest

import playbooks
from bot.domain.incident import Status
from bot.domain.offers import VERBS, offers, unfit
from bot.domain.timeline import Kind
from bot.engine.playbook import load
from tests.unit.web.story import BEN, Story, captured, declared, diagnosed, opened, waiting, whole

ELSEWHERE = {
    **dict.fromkeys(("approve", "refuse", "break-glass"), "on the page of what waits"),
    **dict.fromkeys(("start", "list", "status", "help", "playbooks", "doctor"), "pages of their own"),
    **dict.fromkeys(("digest", "stalk", "deploy", "gate", "drill"), "about services, not an incident"),
    **dict.fromkeys(("alert", "anchor", "breach", "drilling", "paging", "pick", "presence"), "nobody types them"),
    **dict.fromkeys(("deny", "propose", "remind", "retention", "watch"), "nobody types them"),
}


def labels(story: Story, *, routed: bool = False) -> tuple[list[str], list[str]]:
    found = offers(story.incident, routed=routed)
    return [each.label for each in found.shown], [each.label for each in found.more]


def test_every_verb_has_a_place() -> None:
    placed = [verb for verbs in VERBS.values() for verb in verbs]
    assert sorted([*placed, *ELSEWHERE]) == sorted(load(playbooks))


def test_an_open_incident_is_offered_what_it_lacks_first() -> None:
    shown, more = labels(opened(), routed=True)
    assert shown == ["Acknowledge", "Take command", "Mitigated", "Resolved", "Add note"]
    assert more == ["Send update", "Say who is hit", "Take a snapshot", "Change severity", "Diagnose", "Roll back"]
    [first] = [each.label for each in offers(opened().incident).shown if each.first]
    assert first == "Acknowledge"


def test_nothing_is_rolled_back_where_no_traffic_can_be_moved() -> None:
    assert "Roll back" not in labels(opened())[1]
    assert "Roll back" not in labels(opened(service=""), routed=True)[1]


def test_nothing_stands_out_beside_what_waits_for_an_approval() -> None:
    story = opened()
    body = {"run": "r", "playbook": "rollback", "params": {}, "steps": [], "measured": {}, "plan": "p"}
    story.tell(Kind.APPROVAL_ASKED, **body, person=BEN.id, name=BEN.name, expires_at=0)
    assert not any(each.first for each in offers(story.incident).shown)


def test_a_button_carries_what_was_seen() -> None:
    found = offers(captured(declared(opened())).incident)
    words = [each.words for each in (*found.shown, *found.more)]
    assert "role commander me was=U02BEN" in words
    assert "resolve saw=open" in words


@pytest.mark.parametrize(
    ("verb", "story", "said"),
    [
        ("ack", waiting(diagnosed(captured(declared(opened())))), "INC-7 was acknowledged already."),
        ("resolve", whole(), "INC-7 is resolved already"),
        ("mitigate", whole(), "INC-7 is resolved; it cannot become mitigated any more."),
        ("reopen", opened(), "INC-7 is open already"),
        ("note", whole(), ""),
        ("close", whole(), ""),
    ],
)
def test_what_is_too_late_says_so(verb: str, story: Story, said: str) -> None:
    assert unfit(story.incident, verb).startswith(said)
    assert bool(unfit(story.incident, verb)) == bool(said)


def test_what_is_over_can_only_be_written_up_or_opened_again() -> None:
    assert labels(whole()) == (["Postmortem", "Add note", "Reopen", "Close"], [])
    assert Status.RESOLVED is whole().incident.status
