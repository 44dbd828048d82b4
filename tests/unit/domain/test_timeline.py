import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.timeline import (
    GENESIS,
    HOUSE,
    Author,
    Draft,
    Entry,
    Kind,
    Person,
    canonical,
    from_us,
    link,
    seal,
    storable,
    to_us,
    verify,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN = Author(Person("U1", "Ann"), "r1", "say")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
bodies = st.dictionaries(st.text(min_size=1), json_values, max_size=4)


def chain(*texts: str, incident_id: str = "INC-1") -> list[Entry]:
    entries: list[Entry] = []
    for number, text in enumerate(texts):
        last = entries[-1] if entries else None
        entries.append(link(incident_id, last, Draft(Kind.NOTE, {"text": text}), ANN, NOON + timedelta(seconds=number)))
    return entries


def test_an_untouched_chain_has_no_breaks() -> None:
    entries = chain("a", "b", "c")
    audit = verify("INC-1", entries)
    assert (audit.entries, audit.blanked, audit.breaks) == (3, 0, ())
    assert audit.head == entries[-1].hash
    assert entries[0].prev == GENESIS


def test_the_first_hash_never_changes_between_releases() -> None:
    [entry] = chain("a")
    assert entry.hash == "2848b46eb2429203ebaa68b0328b32d1bede110032de5f0e563c79fde0458728"


@given(st.lists(bodies, min_size=1, max_size=5), st.text(), st.datetimes(timezones=st.just(UTC)))
def test_whatever_is_written_verifies_and_reads_back(facts: list[dict[str, Any]], name: str, at: datetime) -> None:
    entries: list[Entry] = []
    for body in facts:
        last = entries[-1] if entries else None
        entries.append(link(HOUSE, last, Draft(Kind.NOTE, body, at, Person("U2", name)), ANN, NOON))
    assert verify(HOUSE, entries).breaks == ()
    assert [entry.facts for entry in entries] == facts
    assert {entry.at for entry in entries} == {at}


CHANGES: dict[str, Any] = {
    "incident_id": "INC-2",
    "seq": 99,
    "at_us": 1,
    "kind": "finding",
    "actor": "U9",
    "actor_name": "Eve",
    "run_id": "r9",
    "step": "other",
    "body": '{"text":"z"}',
    "body_sha256": "0" * 64,
    "prev": "1" * 64,
    "hash": "2" * 64,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_change_of_any_field_of_any_entry_is_found(name: str, place: int) -> None:
    entries = chain("a", "b", "c")
    entries[place] = replace(entries[place], **{name: CHANGES[name]})
    assert any(f"entry {entries[place].seq}" in flaw for flaw in verify("INC-1", entries).breaks)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_sealed_again_is_found_at_the_next_entry(name: str) -> None:
    if name in {"hash", "body"}:
        return
    entries = chain("a", "b", "c")
    changed = replace(entries[1], **{name: CHANGES[name]})
    entries[1] = replace(changed, hash=seal(changed))
    assert verify("INC-1", entries).breaks


@given(st.lists(st.text(max_size=5), min_size=3, max_size=8), st.randoms(use_true_random=False))
def test_a_missing_a_doubled_or_a_moved_entry_is_found(texts: list[str], chance: random.Random) -> None:
    entries = chain(*texts)
    place = chance.randrange(len(entries) - 1)
    missing = entries[:place] + entries[place + 1 :]
    doubled = [*entries[:place], entries[place], *entries[place:]]
    moved = entries.copy()
    chance.shuffle(moved)
    assert verify("INC-1", missing).breaks
    assert verify("INC-1", doubled).breaks
    assume(moved != entries)
    assert verify("INC-1", moved).breaks


def test_entries_of_another_chain_are_found() -> None:
    ours, theirs = chain("a", "b", "c"), chain("a", "x", "c")
    assert verify("INC-1", [ours[0], theirs[1], theirs[2]]).breaks == ()  # same first entry: a fork, told by its head
    assert verify("INC-1", [ours[0], theirs[1], ours[2]]).breaks == ("entry 3: does not link to entry 2",)


def test_a_whole_chain_under_another_name_is_found() -> None:
    assert verify("INC-1", chain("a", incident_id="INC-2")).breaks


def test_a_blanked_body_keeps_the_chain_whole() -> None:
    entries = chain("a", "secret", "c")
    entries[1] = replace(entries[1], body=None)
    audit = verify("INC-1", entries)
    assert (audit.breaks, audit.blanked) == ((), 1)
    assert entries[1].facts == {}


def test_an_empty_chain_has_the_genesis_for_its_head() -> None:
    assert verify("INC-1", []).head == GENESIS


def test_one_body_has_one_text() -> None:
    assert canonical({"b": 1, "a": "é💥"}) == '{"a":"\\u00e9\\ud83d\\udca5","b":1}'
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": float("nan")})


def test_an_entry_names_its_own_actor_if_it_has_one() -> None:
    [mine] = chain("a")
    theirs = link("INC-1", mine, Draft(Kind.NOTE, {}, actor=Person("U2", "Bo")), ANN, NOON)
    assert [(mine.actor, mine.actor_name), (theirs.actor, theirs.actor_name)] == [("U1", "Ann"), ("U2", "Bo")]


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(at: datetime) -> None:
    assert from_us(to_us(at)) == at


def test_a_time_zone_changes_no_microsecond() -> None:
    assert to_us(NOON.astimezone(timezone(timedelta(hours=-7)))) == to_us(NOON)


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_names_are_made_fit_for_any_database(text: str) -> None:
    fit = storable(text)
    assert "\0" not in fit
    assert fit.encode().decode() == fit
    assert len(fit) == len(text)
