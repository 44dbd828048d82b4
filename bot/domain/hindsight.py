"""What went well and what went badly, as far as facts can tell; nothing here is an opinion."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.domain.exhibits import judged
from bot.domain.incident import SOP_S, Incident, Role, Severity, Status
from bot.domain.measures import Milestone, duration, measure
from bot.domain.narrative import is_child, seconds, unmarked
from bot.domain.phases import Phase, PhaseState
from bot.domain.timeline import Entry, Kind

_FIVE_MINUTES = timedelta(seconds=SOP_S)


def well(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Say what went well."""
    return tuple(
        sentence
        for sentence in (
            _acknowledged_soon(incident),
            _led_soon(incident, entries),
            _phases_in_time(incident),
            *_captured(incident),
            _named_soon(incident, entries),
            _mitigated_soon(incident),
            _rolled_back(entries),
            _gone(incident, entries),
        )
        if sentence
    )


def badly(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Say what went badly."""
    return tuple(
        sentence
        for sentence in (
            _noticed_late(incident),
            _acknowledged_late(incident),
            "" if incident.commander else "Nobody was ever commander.",
            *_phases_missed(incident),
            _escalated(incident),
            _unnamed(entries),
            *_by_one(entries),
            *_failures(entries),
            _underestimated(entries),
            _silent(incident, entries),
            _slack(entries),
            _unrecorded(incident),
        )
        if sentence
    )


def _rolled_back(entries: Sequence[Entry]) -> str:
    """Say how long a canary that was found bad went on getting requests."""
    bad = [e for e in entries if e.kind == Kind.JUDGED and e.facts.get("when") == "breach"]
    done = [e for e in entries if e.kind == Kind.TRAFFIC_SET and e.facts.get("verb") in {"rollback", "empty"}]
    if not bad or not done or done[0].at < bad[0].at:
        return ""
    took = seconds((done[0].at - bad[0].at).total_seconds())
    return f"The canary lost its traffic {took} after it was found bad."


def _took(incident: Incident, name: str) -> timedelta | None:
    return next(each.value for each in measure(incident.milestones) if each.name == name)


def _acknowledged_soon(incident: Incident) -> str:
    took = _took(incident, "MTTA")
    return f"Acknowledged {duration(took)} after it was detected." if took is not None and took <= _FIVE_MINUTES else ""


def _acknowledged_late(incident: Incident) -> str:
    took = _took(incident, "MTTA")
    if Milestone.ACKNOWLEDGED not in incident.milestones:
        return "Nobody acknowledged it."
    return f"Acknowledged only {duration(took)} after it was detected." if took and took > _FIVE_MINUTES else ""


def _noticed_late(incident: Incident) -> str:
    took = _took(incident, "MTTD")
    return f"It went unnoticed for {duration(took)}." if took and took > _FIVE_MINUTES else ""


def _led_soon(incident: Incident, entries: Iterable[Entry]) -> str:
    for entry in entries:
        if entry.kind == Kind.ROLE_SET and entry.facts.get("role") == Role.COMMANDER:
            after = entry.at - incident.opened_at
            name = entry.facts.get("name", "")
            return f"{name} was commander {duration(after)} after the opening." if after <= _FIVE_MINUTES else ""
    return ""


def _phases_in_time(incident: Incident) -> str:
    done = [phase for phase in incident.phases if phase.state is PhaseState.DONE and phase.ended_at]
    if not done or len(done) < len(incident.phases):
        return ""
    begun, ended = done[0].started_at, max(phase.ended_at or phase.started_at for phase in done)
    took = seconds((ended - begun).total_seconds())
    return f"All {len(done)} phases of the SOP ended within their budgets, after {took} together."


def _captured(incident: Incident) -> list[str]:
    return [
        f"{phase.title} took {_spent(phase)}: {unmarked(phase.summary)}"
        for phase in incident.phases
        if phase.name == "capture" and phase.state is PhaseState.DONE and phase.ended_at and phase.summary
    ]


def _spent(phase: Phase) -> str:
    return seconds(phase.elapsed_s(phase.ended_at or phase.started_at))


def _named_soon(incident: Incident, entries: Sequence[Entry]) -> str:
    for each in judged(entries):
        if each.verdict:
            return f"{each.verdict} was named {duration(each.at - incident.opened_at)} after the opening."
    return ""


def _gone(incident: Incident, entries: Sequence[Entry]) -> str:
    """Tell whether a diagnosis after the mitigation found nothing any more."""
    verdicts, mitigated = judged(entries), incident.milestones.get(Milestone.MITIGATED)
    if not verdicts or mitigated is None or verdicts[-1].verdict or verdicts[-1].at < mitigated:
        return ""
    named = any(each.verdict for each in verdicts)
    return f"A diagnosis at {verdicts[-1].at:%H:%M:%S} UTC found it gone." if named else ""


def _mitigated_soon(incident: Incident) -> str:
    at = incident.milestones.get(Milestone.MITIGATED)
    if at is None or at > incident.deadline_at:
        return ""
    return f"Mitigated {duration(incident.deadline_at - at)} before the five minutes were over."


def _phases_missed(incident: Incident) -> list[str]:
    return [_missed(phase) for phase in incident.phases if phase.state in {PhaseState.OVERRAN, PhaseState.FAILED}]


def _missed(phase: Phase) -> str:
    said = unmarked(phase.summary)
    if phase.state is PhaseState.OVERRAN:
        return f"{phase.title} was {said}." if said else f"{phase.title} overran."
    return f"{phase.title} failed: {said}" if said else f"{phase.title} failed."


def _escalated(incident: Incident) -> str:
    if not incident.escalation:
        return ""
    return f"Not mitigated by {incident.deadline_at:%H:%M:%S} UTC: {incident.escalation}"


def _unnamed(entries: Sequence[Entry]) -> str:
    verdicts = judged(entries)
    if not verdicts or any(each.verdict for each in verdicts):
        return ""
    return f"No fault class was named: {verdicts[-1].statement}" if verdicts[-1].statement else "No fault was named."


def _failures(entries: Iterable[Entry]) -> list[str]:
    """Name the runs that came to nothing; a phase of the SOP tells of its own children."""
    return [
        f"{str(entry.facts.get('playbook', 'a run')).capitalize()} {entry.facts['status']}: {entry.facts['reason']}"
        for entry in entries
        if entry.kind == Kind.RUN_ENDED
        and not is_child(entry.run_id)
        and entry.facts.get("status") not in {None, "done"}
        and entry.facts.get("reason")
    ]


def _by_one(entries: Iterable[Entry]) -> list[str]:
    """Name what one person did without a second."""
    return [
        f"{entry.facts['name']} did {entry.facts['playbook']} alone at {entry.at:%H:%M:%S} UTC, "
        f"without a second person: {entry.facts['reason']}"
        for entry in entries
        if entry.kind == Kind.BROKE_GLASS and entry.body is not None
    ]


def _underestimated(entries: Iterable[Entry]) -> str:
    raised = [
        (entry.facts["was"], entry.facts["severity"])
        for entry in entries
        if entry.kind == Kind.SEVERITY_SET and _worse(entry.facts.get("severity"), entry.facts.get("was"))
    ]
    return f"It was taken for {raised[0][0]} at first and turned out to be {raised[-1][1]}." if raised else ""


def _worse(severity: str | None, was: str | None) -> bool:
    known = [each.value for each in Severity]
    return severity in known and was in known and known.index(severity) < known.index(was)


def _silent(incident: Incident, entries: Iterable[Entry]) -> str:
    if not incident.is_over or not incident.severity.pages:
        return ""
    return "" if any(entry.kind == Kind.UPDATE for entry in entries) else "No update was written while it lasted."


def _slack(entries: Iterable[Entry]) -> str:
    reasons = Counter(
        str(entry.facts.get("reason", "")) for entry in entries if entry.kind == Kind.CHAT_FAILED and entry.body
    )
    if not reasons:
        return ""
    times = "once" if reasons.total() == 1 else f"{reasons.total()} times"
    return f"Slack failed {times}: {', '.join(sorted(reasons))}"


def _unrecorded(incident: Incident) -> str:
    missing = [each for each in Milestone if each not in incident.milestones and _due(each, incident)]
    if not missing or not incident.counts:
        return ""
    lost = ", ".join(each.name for each in measure(incident.milestones) if {each.since, each.until} & set(missing))
    names = ", ".join(each.value for each in missing)
    return f"Never recorded: {names}. So nobody can tell {lost}."


def _due(which: Milestone, incident: Incident) -> bool:
    """Tell whether a milestone should have been recorded by now."""
    if which is Milestone.RESOLVED:
        return incident.is_over
    return which is not Milestone.MITIGATED or incident.status is not Status.OPEN
