"""The card says what everybody asks first, on one screen, and offers what fits."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack.blocks import Message
from bot.adapters.slack.card import TICK, turns_at
from bot.adapters.slack.card import card as draw
from bot.domain.approval import Request
from bot.domain.errors import WordsMissing
from bot.domain.incident import Incident, Role, Said, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.phases import Phase, PhaseState
from bot.domain.scores import Score, lines
from bot.domain.timeline import Person
from bot.engine.grammar import parse
from tests.fakes import NOON
from tests.unit.playbooks.desk import CATALOG, REGISTRY
from tests.unit.slack.drawn import (
    ADA,
    AROUND,
    CARD,
    assert_slack_takes,
    buttons,
    card,
    incidents,
    menu,
    shown,
    simple,
    texts,
)


@settings(max_examples=30, deadline=None)
@given(incidents)
def test_a_card_is_taken_by_slack(incident: Incident) -> None:
    assert_slack_takes(card(incident))


@settings(max_examples=30, deadline=None)
@given(incidents, st.sampled_from([-60, 299, 300, 10_000]))
def test_a_card_is_one_screen_and_its_buttons_are_few(incident: Incident, seconds: int) -> None:
    message = card(incident, NOON + timedelta(seconds=seconds))
    assert sum(len(text) for text in texts(message.blocks)) <= CARD
    *_, row = (block for block in message.blocks if block["type"] == "actions")
    assert len([element for element in row["elements"] if element["type"] == "button"]) <= 5
    for element in row["elements"]:
        assert len(element.get("value", "")) <= 2_000
        assert len(element.get("options", "12345")) <= 5
        assert all(len(option["value"]) <= 150 for option in element.get("options", ()))


ACKNOWLEDGED = {Milestone.ACKNOWLEDGED.value: NOON}
MORE = {"text": "More"}
LED = {Role.COMMANDER: Person("U0BEN0002", "ben")}


@pytest.mark.parametrize(
    ("incident", "visible", "hidden"),
    [
        (
            simple(),
            ["Acknowledge", "Take command", "Mitigated", "Resolved", "Add note"],
            ["Send update", "Say who is hit", "Change severity"],
        ),
        (
            simple(service="checkout", milestones=ACKNOWLEDGED, roles=LED, impact="1 in 5"),
            ["Mitigated", "Resolved", "Send update", "Add note"],
            ["Take command", "Change the impact", "Take a snapshot", "Change severity", "Diagnose"],
        ),
        (
            simple(service="checkout", milestones=ACKNOWLEDGED),
            ["Take command", "Mitigated", "Resolved", "Send update", "Add note"],
            ["Say who is hit", "Take a snapshot", "Change severity", "Diagnose"],
        ),
        (
            simple(service="checkout", status=Status.MITIGATED, roles=LED),
            ["Resolved", "Send update", "Add note"],
            ["Take command", "Reopen", "Say who is hit", "Take a snapshot", "Change severity"],
        ),
        (simple(status=Status.RESOLVED), ["Postmortem", "Add note", "Reopen", "Close", "Incident page"], []),
        (simple(status=Status.CLOSED), ["Postmortem", "Add note", "Reopen", "Incident page"], []),
        (simple(status=Status.CLOSED, merged_into="INC-3"), ["Add note", "Reopen", "Incident page"], []),
        (simple(status=Status.CLOSED, cancelled="a drill"), ["Add note", "Reopen", "Incident page"], []),
    ],
)
def test_the_buttons_fit_the_state(incident: Incident, visible: list[str], hidden: list[str]) -> None:
    assert (buttons(card(incident)), menu(card(incident))) == (visible, hidden)


@given(incidents)
@settings(max_examples=30, deadline=None)
def test_one_thing_at_most_stands_out(incident: Incident) -> None:
    rows = [block["elements"] for block in card(incident).blocks if block["type"] == "actions"]
    assert [element.get("style", "") for row in rows for element in row].count("primary") <= 1


def test_every_button_and_entry_is_understood() -> None:
    """Whatever state the card was drawn in, the words behind it are words that the grammar takes."""
    states = [simple(service=service, status=status) for service in ("", "checkout") for status in Status]
    for incident in states:
        for words in orders(card(incident)):
            with suppress(WordsMissing):
                assert parse(REGISTRY, words, CATALOG).incident_id == "INC-7"


def orders(message: Message) -> list[str]:
    """Give the words behind every button and every entry of a menu."""
    elements = [each for block in message.blocks for each in (*block.get("elements", ()), block.get("accessory") or {})]
    carried = [each for element in elements for each in (element, *element.get("options", ()))]
    return [json.loads(each["value"])["do"] for each in carried if "value" in each]


def test_who_leads_is_part_of_what_take_command_means() -> None:
    assert "role commander me was=- incident=INC-7" in orders(card(simple()))
    assert "role commander me was=U0BEN0002 incident=INC-7" in orders(card(simple(roles=LED)))


def test_every_service_can_be_named_while_none_is() -> None:
    assert "service payment was=- incident=INC-7" in orders(card(simple()))
    assert "Which service is it?" not in shown(card(simple(service="checkout")))
    assert "Which service is it?" not in shown(card(simple(status=Status.CLOSED)))


def test_the_only_service_is_one_press_away() -> None:
    message = draw(simple(), replace(AROUND, services=("checkout",)), NOON)
    assert buttons(message)[0] == "checkout"


def test_an_open_card_says_what_everybody_asks_first() -> None:
    message = card(simple())
    assert message.blocks[0]["text"]["text"] == "SEV2 INC-7 checkout 5xx"
    assert "Status *open* · Commander *nobody yet* · Service *not named yet*" in shown(message)
    assert "Impact *not said yet*" in shown(message)
    assert "|12:05:00 UTC>*; it escalates then." in shown(message)
    assert "○ Declare 30 s\\n○ Capture 1 min\\n○ Diagnose 30 s\\n○ Decide 30 s\\n○ Mitigate 2 min 30 s" in shown(
        message
    )
    assert message.text == "SEV2 INC-7 checkout 5xx: open, commander nobody yet. Five minutes end 12:05 UTC."


def test_after_the_deadline_the_card_speaks_of_the_past_without_an_entry() -> None:
    deadline = NOON + timedelta(minutes=5)
    before, after = card(simple(), deadline - timedelta(milliseconds=1)), card(simple(), deadline)
    assert before == card(simple(), NOON)
    assert "Five minutes were over at" in shown(after)
    assert "○" not in shown(after)
    assert after.text.endswith("Five minutes were over 12:05 UTC.")
    assert turns_at(simple(), NOON) == deadline
    assert turns_at(simple(), deadline) is None


@pytest.mark.parametrize("seconds", [31, 59, 60, 61, 280, 299, 1_000])
def test_what_time_alone_changes_is_never_drawn_twice_within_thirty_seconds(seconds: int) -> None:
    """A promised update may be due at any second; whatever is due, its moment is a whole tick from the deadline."""
    incident = simple(last_update=Said(NOON, "ada", "Rolling back."), next_update_at=NOON + timedelta(seconds=seconds))
    now, moments, drawn = NOON, [NOON], [shown(card(incident, NOON))]
    while (moment := turns_at(incident, now)) is not None:
        assert shown(card(incident, moment - timedelta(milliseconds=1))) == drawn[-1]
        moments.append(moment)
        drawn.append(shown(card(incident, moment)))
        now = moment
    assert all(later - earlier >= TICK for earlier, later in pairwise(moments))
    assert "Next by" in drawn[0]
    assert "The next update was promised for" in drawn[-1]


def test_an_incident_that_is_over_waits_for_no_moment() -> None:
    over = simple(status=Status.RESOLVED, next_update_at=NOON + timedelta(minutes=30))
    assert turns_at(over, NOON) is None
    assert "Next by" not in shown(card(over))


def test_the_age_of_the_last_update_needs_no_edit() -> None:
    incident = simple(last_update=Said(NOON, "ada", "Rolling back."))
    assert "Last update <!date^1772366400^{ago}|12:00:00 UTC> by ada: Rolling back." in shown(card(incident))


def test_what_was_decided_stands_at_its_phase() -> None:
    phase = Phase("decide", "Decide", 30, PhaseState.DONE, NOON, NOON + timedelta(seconds=1), "Roll back to v41.")
    message = card(simple(phases=(phase,), verdict="gc-pressure", statement="GC takes 40 %.", fix="bound the cache"))
    assert "✓ *Decide* done in 1.0 s of 30 s: Roll back to v41." in shown(message)
    assert "*Verdict: gc-pressure.* GC takes 40 %.\\n*Fix:* bound the cache" in shown(message)


def test_a_resolved_card_says_how_long_it_took() -> None:
    at = {Milestone.MITIGATED.value: NOON + timedelta(minutes=4, seconds=12)}
    message = card(simple(status=Status.RESOLVED, service="checkout", milestones=at))
    assert "Mitigated 4 min 12 s after the opening." in shown(message)
    assert "Impact" not in shown(message)


def test_private_merged_and_called_off_are_said() -> None:
    assert "*Private*: only who takes part sees it" in shown(card(simple(private=True)))
    merged = card(simple(status=Status.CLOSED, merged_into="INC-3"))
    assert "*Part of INC-3 now*; go on there." in shown(merged)
    assert "part of another" in merged.text
    cancelled = card(simple(status=Status.CLOSED, cancelled="a drill"))
    assert "*Called off:* a drill" in shown(cancelled)
    assert "called off" in cancelled.text


def test_of_two_requests_the_older_has_its_buttons_on_the_card() -> None:
    waiting = tuple(
        Request(run, "redact", {"entry": run}, ("Blank it",), {}, "a" * 64, ADA, NOON, NOON + timedelta(minutes=10))
        for run in ("r1", "r2")
    )
    message = card(simple(waiting=waiting))
    assert buttons(message)[:2] == ["Approve", "Refuse"]
    assert buttons(message).count("Approve") == 1
    assert "entry=r1" in shown(message)
    assert "1 more waits below." in shown(message)


def test_when_no_second_person_comes_the_card_offers_to_break_the_glass_after_a_minute() -> None:
    expires_at = NOON + timedelta(minutes=10)
    asked = Request("r1", "rollback", {}, ("Roll back",), {}, "a" * 64, ADA, NOON, expires_at, service="checkout")
    breakable = simple(waiting=(replace(asked, breakable=True),))
    minute = NOON + timedelta(seconds=60)
    assert turns_at(breakable, NOON) == minute
    assert "Break the glass" not in buttons(card(breakable, minute - timedelta(milliseconds=1)))
    assert buttons(card(breakable, minute))[:3] == ["Approve", "Refuse", "Break the glass"]
    assert turns_at(breakable, minute) != minute
    assert "Break the glass" not in buttons(card(simple(waiting=(asked,)), minute))


def test_sev3_pages_nobody() -> None:
    message = card(Incident("INC-7", "slow", Severity.SEV3, NOON, ADA))
    assert "nobody is paged for SEV3" in shown(message)


def test_a_running_phase_shows_its_deadline_and_never_ticks() -> None:
    phase = Phase("capture", "Capture", 59.987, PhaseState.RUNNING, NOON)
    assert "▶ *Capture* running until <!date^1772366460^{time_secs}|12:01:00 UTC>" in shown(
        card(simple(phases=(phase,)))
    )


def test_an_ended_phase_shows_its_time_against_the_budget() -> None:
    phase = Phase("capture", "Capture", 60, PhaseState.DONE, NOON, NOON + timedelta(seconds=3), "3 of 3 targets")
    assert "✓ *Capture* done in 3.0 s of 1 min: 3 of 3 targets" in shown(card(simple(phases=(phase,))))


def test_the_card_counts_the_alerts_that_fire_and_says_who_answered_the_page() -> None:
    assert "*2 alerts fire*" in shown(card(simple(alerts={"a": 2, "b": 0})))
    assert "*1 alert fires*" in shown(card(simple(alerts={"a": 1})))
    assert "All alerts have resolved" in shown(card(simple(alerts={"a": 0})))
    paged = simple(escalation="Paged whoever is on call (PagerDuty).", answered="Ada")
    assert "(PagerDuty). *Ada answered the page.*" in shown(card(paged))


def test_a_phase_that_failed_says_why_and_one_that_overran_when_it_should_have_ended() -> None:
    phase = Phase("capture", "Capture", 60, PhaseState.FAILED, NOON, NOON + timedelta(seconds=3), "no answer")
    assert "✗ *Capture* failed in 3.0 s of 1 min: no answer" in shown(card(simple(phases=(phase,))))
    late = replace(phase, state=PhaseState.OVERRAN, summary="not done within 1 min")
    drawn = shown(card(simple(phases=(late,))))
    assert "! *Capture* overran its 1 min" in drawn
    assert "not done within" not in drawn


def test_a_button_keeps_its_id_while_the_card_changes_around_it() -> None:
    def ids(incident: Incident) -> dict[str, str]:
        rows = (block for block in card(incident).blocks if block["type"] == "actions")
        return {each["action_id"]: each.get("text", MORE)["text"] for row in rows for each in row["elements"]}

    before, after = ids(simple()), ids(simple(status=Status.MITIGATED, milestones={"acknowledged": NOON}))
    kept = before.keys() & after.keys()
    assert len(kept) == 4
    assert all(before[action] == after[action] for action in kept)


def test_what_is_gone_stays_on_the_card_with_its_cause() -> None:
    gone = simple(was="goroutine-leak", gone_at=NOON, proof="checkout-2, certain: 812 wait.", statement="All is well.")
    assert "Was goroutine-leak, gone since <!date^" in shown(card(gone))
    assert "checkout-2, certain: 812 wait." in shown(card(gone))
    assert "No verdict" not in shown(card(gone))
    unsure = shown(card(replace(gone, gone_at=None)))
    assert "*Was goroutine-leak; no verdict now.* All is well." in unsure


def test_a_time_is_the_same_on_the_card_and_in_the_score() -> None:
    for took in (4.06, 12.6, 59.7, 252.51):
        times = {"started": NOON, "mitigated": NOON + timedelta(seconds=took)}
        drawn = shown(card(simple(status=Status.MITIGATED, milestones=times)))
        blank = Score("deadlock", "checkout-1", "small", "checkout", blind=False, began_us=0, how="", mitigated_s=took)
        (told,) = (row for row in lines(blank, {}) if row.startswith("Mitigated: "))
        assert f"Mitigated {told.removeprefix('Mitigated: ')} after the start." in drawn


def test_a_drill_that_is_over_says_what_it_was_before_what_is_wrong_besides() -> None:
    ended = replace(
        simple(), drill=True, drilled="It was deadlock on a; a new diagnosis names it no more.", statement="x"
    )
    assert "*It was deadlock on a; a new diagnosis names it no more.*" in shown(card(ended))
    assert "No verdict" not in shown(card(ended))
    besides = shown(card(replace(ended, verdict="heap-growth")))
    assert besides.index("It was deadlock") < besides.index("Verdict: heap-growth")


def test_a_drill_says_first_that_it_is_one_and_that_it_pages_nobody() -> None:
    drill = replace(simple(), title="DRILL: deadlock on checkout", drill=True, severity=Severity.SEV1)
    message = card(drill)
    assert message.blocks[0]["text"]["text"] == f"DRILL: deadlock on checkout (SEV1 {drill.id})"
    assert message.text.startswith("DRILL: ")
    assert "nobody is paged in a drill" in "".join(texts(message.blocks))
