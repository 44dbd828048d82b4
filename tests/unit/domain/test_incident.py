from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import IncidentNotFound, TransitionRefused
from bot.domain.incident import (
    Incident,
    Role,
    Said,
    Severity,
    Status,
    check_transition,
    fold,
    may_see,
)
from bot.domain.phases import SOP, PhaseState
from bot.domain.timeline import BLANK, Author, Draft, Entry, Kind, Person, link, to_us

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN = Person("U1", "Ann")
OPENED = (Kind.OPENED, {"title": "Slow", "severity": "SEV2", "service": "checkout", "warnings": ["w"]})


def chain(*written: tuple[Kind, dict[str, Any]]) -> list[Entry]:
    """Give entries one second apart, the opening first."""
    entries: list[Entry] = []
    for number, (kind, body) in enumerate([OPENED, *written]):
        at = NOON + timedelta(seconds=number)
        entries.append(link("INC-12", entries[-1] if entries else None, Draft(kind, body), Author(ANN), at))
    return entries


def folded(*written: tuple[Kind, dict[str, Any]]) -> Incident:
    return fold(chain(*written))


def test_a_severity_may_be_typed_in_small_letters() -> None:
    assert Severity("sev1") is Severity.SEV1
    with pytest.raises(ValueError, match="sev5"):
        Severity("sev5")


def test_an_incident_begins_with_its_opening() -> None:
    incident = folded()
    assert incident == Incident(
        id="INC-12",
        title="Slow",
        severity=Severity.SEV2,
        opened_at=NOON,
        reporter=ANN,
        service="checkout",
        warnings=("w",),
        seq=1,
        changed_at=NOON,
    )
    assert (incident.number, incident.status, incident.commander) == (12, Status.OPEN, None)


def test_there_is_no_incident_without_an_opening() -> None:
    with pytest.raises(IncidentNotFound):
        fold([])
    with pytest.raises(IncidentNotFound, match="firstfive verify"):
        fold(chain((Kind.NOTE, {"text": "x"}))[1:])


@pytest.mark.parametrize(
    ("kind", "body", "field", "value"),
    [
        (Kind.SERVICE_SET, {"service": "cart"}, "service", "cart"),
        (Kind.SEVERITY_SET, {"severity": "SEV1", "was": "SEV2"}, "severity", Severity.SEV1),
        (Kind.STATUS_SET, {"status": "mitigated", "was": "open", "text": ""}, "status", Status.MITIGATED),
        (Kind.CHANNEL_OPENED, {"channel": "C1", "name": "inc-12"}, "channel", "C1"),
        (Kind.CHANNEL_OPENED, {"channel": "C1", "name": "inc-12"}, "channel_name", "inc-12"),
        (
            Kind.ROLE_SET,
            {"role": "commander", "person": "U2", "name": "Bo"},
            "roles",
            {Role.COMMANDER: Person("U2", "Bo")},
        ),
        (
            Kind.MILESTONE,
            {"milestone": "detected", "at": to_us(NOON), "source": "x"},
            "milestones",
            {"detected": NOON},
        ),
        (Kind.UPDATE, {"text": "Better."}, "last_update", Said(NOON + timedelta(seconds=1), "Ann", "Better.")),
        (Kind.VERDICT, {"verdict": None, "statement": "Nothing.", "artifact": ""}, "verdict", ""),
        (Kind.VERDICT, {"verdict": "gc-pressure", "statement": "GC.", "artifact": ""}, "statement", "GC."),
        (Kind.ESCALATED, {"reached": [], "text": "Nobody."}, "escalation", "Nobody."),
    ],
)
def test_each_kind_of_entry_tells_one_thing(kind: Kind, body: dict[str, Any], field: str, value: object) -> None:
    assert getattr(folded((kind, body)), field) == value


LEAK = (Kind.VERDICT, {"verdict": "goroutine-leak", "statement": "b differs.", "proof": "812 wait.", "fix": "End."})


def no_verdict(**more: Any) -> tuple[Kind, dict[str, Any]]:
    return Kind.VERDICT, {"verdict": None, "statement": "Nothing stands out.", "service": "checkout", **more}


def test_a_cause_that_a_clean_diagnosis_does_not_find_any_more_is_gone_since_then() -> None:
    incident = folded(LEAK, no_verdict(clean=True), no_verdict(clean=True))
    assert (incident.verdict, incident.was, incident.proof) == ("", "goroutine-leak", "812 wait.")
    assert incident.gone_at == NOON + timedelta(seconds=2)
    assert incident.fix == ""


@pytest.mark.parametrize("seen", [{}, {"clean": False}, {"clean": True, "service": "stock"}])
def test_what_was_not_looked_at_is_not_said_to_be_gone(seen: dict[str, Any]) -> None:
    incident = folded(LEAK, no_verdict(**seen))
    assert (incident.verdict, incident.was, incident.gone_at) == ("", "goroutine-leak", None)


def test_a_cause_that_is_named_again_is_not_gone() -> None:
    incident = folded(LEAK, no_verdict(clean=True), LEAK)
    assert (incident.verdict, incident.was, incident.gone_at) == ("goroutine-leak", "", None)


def test_the_latest_entry_counts() -> None:
    incident = folded(
        (Kind.ROLE_SET, {"role": "commander", "person": "U2", "name": "Bo"}),
        (Kind.ROLE_SET, {"role": "scribe", "person": "U3", "name": "Cy"}),
        (Kind.ROLE_SET, {"role": "commander", "person": "U4", "name": "Di"}),
    )
    assert incident.roles == {Role.COMMANDER: Person("U4", "Di"), Role.SCRIBE: Person("U3", "Cy")}
    assert incident.commander == Person("U4", "Di")
    assert incident.changed_at == NOON + timedelta(seconds=3)


def step(name: str, playbook: str = SOP, **more: Any) -> dict[str, Any]:
    return {"playbook": playbook, "step": name, "title": name.title(), **more}


def test_the_sop_is_shown_phase_by_phase() -> None:
    incident = folded(
        (Kind.RUN_STARTED, {"playbook": SOP, "params": {}}),
        (Kind.STEP_STARTED, step("declare", budget_s=60)),
        (Kind.STEP_ENDED, step("declare", outcome="done", elapsed_s=1, summary="ok")),
        (Kind.STEP_STARTED, step("capture", budget_s=60)),
        (Kind.STEP_ENDED, step("capture", outcome="missing", elapsed_s=60, summary="late")),
        (Kind.STEP_STARTED, step("diagnose", budget_s=60)),
    )
    assert [(phase.name, phase.state, phase.summary) for phase in incident.phases] == [
        ("declare", PhaseState.DONE, "ok"),
        ("capture", PhaseState.OVERRAN, "late"),
        ("diagnose", PhaseState.RUNNING, ""),
    ]
    assert incident.phases[0].elapsed_s(NOON) == 1
    assert incident.phases[2].elapsed_s(NOON + timedelta(seconds=16)) == 10
    assert incident.sop_started_at == NOON + timedelta(seconds=1)
    assert incident.deadline_at == NOON + timedelta(seconds=301)


def test_steps_of_other_playbooks_are_no_phases() -> None:
    incident = folded(
        (Kind.RUN_STARTED, {"playbook": "snapshot", "params": {}}),
        (Kind.STEP_STARTED, step("capture", "snapshot", budget_s=60)),
        (Kind.STEP_ENDED, step("capture", "snapshot", outcome="done", elapsed_s=1, summary="")),
    )
    assert (incident.phases, incident.sop_started_at) == ((), None)
    assert incident.deadline_at == NOON + timedelta(seconds=300)


def test_a_second_sop_begins_its_phases_anew() -> None:
    begun = (Kind.RUN_STARTED, {"playbook": SOP, "params": {}})
    incident = folded(begun, (Kind.STEP_STARTED, step("declare", budget_s=60)), begun)
    assert incident.phases == ()


def test_a_blanked_entry_changes_nothing_and_a_blanked_title_says_so() -> None:
    entries = chain((Kind.SERVICE_SET, {"service": "cart"}))
    blanked = [Entry(**{**vars(entry), "body": None}) for entry in entries]
    incident = fold(blanked)
    assert (incident.title, incident.service, incident.severity) == ("(blanked)", "", Severity.SEV2)
    assert incident.seq == 2


def test_what_is_recorded_again_moves_nothing() -> None:
    first = {"service": "checkout", "verb": "rollback", "before": "10 %", "after": "0 %", "approved_by": ""}
    first |= {"reason": "x"}
    safe = {"service": "checkout", "judgement": "", "words": "Safe.", "when": "verified"}
    traffic = Kind.TRAFFIC_SET
    for later in ([(Kind.JUDGED, safe)], [(traffic, {**first, "verb": "restore", "reason": ""}), (Kind.JUDGED, safe)]):
        whole = chain((traffic, first), *later, (traffic, {**first, "reason": BLANK, "again": 2}))
        before, blanked = fold(whole[:-1]), [whole[0], replace(whole[1], body=None), *whole[2:]]
        assert before.rollout
        set_ = before.rollout.set_.replace("(x)", BLANK)
        expected = replace(before, rollout=replace(before.rollout, set_=set_), seq=len(whole))
        assert replace(fold(blanked), changed_at=before.changed_at) == expected
        assert fold(whole[-1:], fold(blanked)).rollout == expected.rollout


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_an_incident_goes_forward_or_is_opened_again(now: Status, to: Status) -> None:
    order = list(Status)
    allowed = {
        (Status.OPEN, Status.MITIGATED),
        (Status.OPEN, Status.RESOLVED),
        (Status.MITIGATED, Status.RESOLVED),
        (Status.RESOLVED, Status.CLOSED),
        (Status.OPEN, Status.CLOSED),  # called off, merged
        (Status.MITIGATED, Status.CLOSED),
        *((status, Status.OPEN) for status in order if status is not Status.OPEN),
    }
    incident = folded((Kind.STATUS_SET, {"status": now.value, "was": "open", "text": ""}))
    if (now, to) in allowed:
        check_transition(incident, to)
        assert order.index(to) > order.index(now) or to is Status.OPEN
    else:
        with pytest.raises(TransitionRefused, match="INC-12"):
            check_transition(incident, to)


def test_a_refused_repetition_says_since_when() -> None:
    incident = folded(
        (Kind.MILESTONE, {"milestone": "mitigated", "at": to_us(NOON), "source": "x"}),
        (Kind.STATUS_SET, {"status": "mitigated", "was": "open", "text": ""}),
    )
    with pytest.raises(TransitionRefused, match="mitigated already since 12:00 UTC"):
        check_transition(incident, Status.MITIGATED)


@pytest.mark.parametrize(("severity", "pages"), list(zip(Severity, (True, True, False, False), strict=True)))
def test_only_the_two_worst_severities_page(severity: Severity, pages: bool) -> None:  # noqa: FBT001 - a case
    assert severity.pages is pages


def test_what_is_opened_again_is_neither_mitigated_nor_resolved() -> None:
    reached = {"milestone": "resolved", "at": 1, "source": "Ann"}
    again = folded(
        (Kind.MILESTONE, reached),
        (Kind.MILESTONE, {**reached, "milestone": "acknowledged"}),
        (Kind.STATUS_SET, {"status": "resolved", "was": "open", "text": ""}),
        (Kind.STATUS_SET, {"status": "open", "was": "resolved", "text": ""}),
    )
    assert set(again.milestones) == {"acknowledged"}
    assert not again.is_over


def test_a_private_incident_is_seen_by_those_who_take_part() -> None:
    stranger, ben = Person("U9", "Stranger"), {"person": "U2", "name": "Ben"}
    opened = folded((Kind.JOINED, ben))
    hidden = replace(opened, private=True)
    assert may_see(opened, stranger)
    assert not may_see(hidden, stranger)
    assert may_see(hidden, Person("U2", "Ben"))
    assert may_see(hidden, opened.reporter)
    assert not may_see(replace(folded((Kind.JOINED, ben), (Kind.LEFT, ben)), private=True), Person("U2", "Ben"))


def test_who_left_takes_part_again_once_called_anew() -> None:
    ben = {"person": "U2", "name": "Ben"}
    called = (Kind.ON_CALL, {"people": [{"id": "U2", "name": "Ben"}]})
    left = (called, (Kind.LEFT, ben))
    assert "U2" not in {person.id for person in folded(*left).people}
    assert "U2" not in {person.id for person in folded(*left, called).people}
    for again in ((Kind.ROLE_SET, {**ben, "role": "scribe"}), (Kind.JOINED, ben)):
        assert "U2" in {person.id for person in folded(*left, again).people}
    assert "U2" in {person.id for person in folded(*left, (Kind.ON_CALL, {"people": []}), called).people}


@pytest.mark.parametrize(
    ("person", "sees"),
    [("U9", False), ("api:local", False), ("cli:root", True), ("firstfive", True), (ANN.id, True)],
)
def test_the_machine_sees_what_is_private_and_the_api_does_not(person: str, sees: bool) -> None:  # noqa: FBT001 - a case
    assert may_see(folded((Kind.MADE_PRIVATE, {})), Person(person, person)) is sees
    assert may_see(folded(), Person(person, person))


def test_an_api_that_opened_it_does_not_see_it_either() -> None:
    entries = [link("INC-12", None, Draft(*OPENED), Author(Person("api:local", "API")), NOON)]
    entries.append(link("INC-12", entries[0], Draft(Kind.MADE_PRIVATE), Author(ANN), NOON))
    assert not may_see(fold(entries), Person("api:local", "API"))


@pytest.mark.parametrize(
    "ending", [(Kind.CANCELLED, {"reason": "a test"}), (Kind.MERGED, {"into": "INC-3", "channel": "C3"})]
)
def test_what_was_none_or_is_anothers_now_is_not_counted(ending: tuple[Kind, dict[str, Any]]) -> None:
    assert len(folded().measures) == 5
    ended = (ending, (Kind.STATUS_SET, {"status": "closed", "was": "open", "text": ""}))
    assert not folded(*ended).counts
    assert folded(*ended).measures == ()
    assert folded(*ended, (Kind.STATUS_SET, {"status": "open", "was": "closed", "text": ""})).counts


def test_a_role_that_is_given_up_is_nobodys() -> None:
    incident = folded(
        (Kind.ROLE_SET, {"role": "commander", "person": "U2", "name": "Ben"}),
        (Kind.ROLE_SET, {"role": "commander", "person": "", "name": ""}),
    )
    assert incident.commander is None
