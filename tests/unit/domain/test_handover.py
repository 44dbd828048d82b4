"""Whoever takes over is told what they would ask first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.handover import brief
from bot.domain.incident import fold
from bot.domain.timeline import Author, Draft, Entry, Kind, Person, link, to_us
from tests.fakes import NOON

ADA = Person("U1", "Ada")


def chain(*more: tuple[Kind, dict[str, Any]]) -> list[Entry]:
    entries: list[Entry] = []
    for minute, (kind, body) in enumerate([(Kind.OPENED, {"title": "slow", "severity": "SEV2"}), *more]):
        last = entries[-1] if entries else None
        entries.append(link("INC-1", last, Draft(kind, body), Author(ADA), NOON + timedelta(minutes=minute)))
    return entries


def told(entries: list[Entry]) -> tuple[str, ...]:
    return brief(fold(entries), entries)


def test_of_a_fresh_incident_it_says_what_nobody_has_said() -> None:
    assert told(chain()) == (
        "Status: SEV2, open, opened at 12:00 UTC.",
        "Who is hit: nobody has said.",
        "No verdict yet.",
    )


def test_what_is_gone_is_told_with_the_time_since_when() -> None:
    found: dict[str, Any] = {"verdict": "deadlock", "statement": "Two locks.", "fix": ""}
    clean = {**found, "verdict": None, "clean": True, "service": ""}
    assert "Was deadlock, gone since 12:02 UTC." in told(chain((Kind.VERDICT, found), (Kind.VERDICT, clean)))
    unsure = {**clean, "clean": False}
    assert "Was deadlock; no verdict now." in told(chain((Kind.VERDICT, found), (Kind.VERDICT, unsure)))


def test_it_says_everything_there_is_the_last_notes_in_order() -> None:
    asked: dict[str, Any] = {
        "run": "r1",
        "playbook": "rollback",
        "params": {"service": "checkout"},
        "steps": ["Roll back"],
    }
    asked |= {"measured": {}, "plan": "ab" * 32, "person": "U1", "name": "Ada", "expires_at": to_us(NOON)}
    entries = chain(
        (Kind.NOTE, {"text": "the first of four"}),
        (Kind.IMPACT_SET, {"text": "1 in 5 checkouts", "was": ""}),
        (Kind.VERDICT, {"verdict": "pool-exhaustion", "statement": "The pool is empty.", "fix": ""}),
        (Kind.APPROVAL_ASKED, asked),
        (Kind.NOTE, {"text": "two\nlines"}),
        (Kind.UPDATE, {"text": "Rolling back.", "next_at": to_us(NOON + timedelta(minutes=36))}),
        (Kind.NOTE, {"text": "x" * 900}),
    )
    said = told(entries)
    assert said[:-1] == (
        "Status: SEV2, open, opened at 12:00 UTC.",
        "Who is hit: 1 in 5 checkouts.",
        "Verdict: pool-exhaustion. The pool is empty.",
        "Waits for a second person: rollback service=checkout.",
        "The next update is promised for 12:36 UTC.",
        "12:05 Ada: two lines",
        "12:06 Ada: Rolling back.",
    )
    assert len(said[-1]) < 250


def test_a_note_that_was_blanked_is_not_told() -> None:
    entries = chain((Kind.NOTE, {"text": "a customer's name"}))
    assert "a customer's name" in told(entries)[-1]
    assert told([entries[0], replace(entries[1], body=None)]) == told(entries[:1])
