"""An incident in sentences, as a postmortem tells it: what it was, since when, who noticed, who came, what helped.

Every sentence comes from what was recorded; what never was says so. All of it is plain text that may hold what
anybody typed; whoever renders it must escape it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.domain.bisect.bisects import culprit
from bot.domain.exhibits import Evidence, Judged, evidence, judged, kept
from bot.domain.incident import Incident
from bot.domain.measures import Measure, Milestone, duration
from bot.domain.narrative import seconds, unmarked
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, in_time

_AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True)
class Stretch:
    """A measure, and when its two ends were; None: that was never recorded."""

    measure: Measure
    since_at: datetime | None
    until_at: datetime | None


@dataclass(frozen=True)
class Chapter:
    """What is told of one part of the course: in sentences, and in measures."""

    sentences: tuple[str, ...]
    measures: tuple[Stretch, ...]


@dataclass(frozen=True)
class Compared:
    """The same, looked at before and after it was mitigated, with what proves it; "": it was not looked at then."""

    what: str
    before: str
    after: str
    before_proof: Evidence | None = None
    after_proof: Evidence | None = None


def final(entries: Sequence[Entry]) -> Judged | None:
    """Give the last verdict that named a fault class, or else the last: a clean diagnosis later changes no cause."""
    verdicts = judged(entries)
    named = [each for each in verdicts if each.verdict]
    return next(reversed(named or verdicts), None)


def summary(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Tell it in a paragraph: what, since when, who noticed, why, what ended it."""
    told = (_what(incident), _noticed(incident, entries), _hit(incident), _cause(entries), _culprit(incident))
    return tuple(sentence for sentence in (*told, _ended(incident, entries), _lead(incident)) if sentence)


def impact(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Tell who was hit, how long, how badly."""
    unknown = "It was a drill, on a service that serves nobody but those who practise."
    hit = _hit(incident) or (unknown if incident.drill else "Who was hit, and how many, was not recorded.")
    return (hit, _length(incident, in_time(entries)[-1].at), *_severities(incident, entries), *_first_look(incident))


def detection(incident: Incident, entries: Sequence[Entry]) -> Chapter:
    """Tell since when it was, and who noticed it, and how."""
    told = (_since(incident, entries), _noticed(incident, entries), _alerted(incident, entries))
    return _chapter(incident, ("MTTD",), told)


def response(incident: Incident, entries: Sequence[Entry]) -> Chapter:
    """Tell who came, who led, what the five minutes did, and who was told."""
    told = (
        _acknowledged(incident, entries),
        *_commanders(entries),
        _five_minutes(incident),
        _located(incident),
        f"Escalated: {incident.escalation}" if incident.escalation else "",
        _updates(entries),
    )
    return _chapter(incident, ("MTTA", "Time to locate"), told)


def recovery(incident: Incident) -> Chapter:
    """Tell what is missing of its end; what was done to get there are rows of the timeline."""
    missing = [_unreached(incident, each) for each in (Milestone.MITIGATED, Milestone.RESOLVED)]
    return _chapter(incident, ("MTTM", "MTTR"), (*missing, incident.drilled))


def compared(incident: Incident, entries: Sequence[Entry]) -> tuple[Compared, ...]:
    """Put beside each other what was found before it was mitigated, and what was found by the same way afterwards."""
    return (*_canaries(entries), *_diagnoses(incident, entries))


def _chapter(incident: Incident, names: Sequence[str], told: Iterable[str]) -> Chapter:
    at = incident.milestones.get
    stretches = [Stretch(each, at(each.since), at(each.until)) for each in incident.measures if each.name in names]
    return Chapter(tuple(sentence for sentence in told if sentence), tuple(stretches))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _what(incident: Incident) -> str:
    started, on = incident.milestones.get(Milestone.STARTED), f" on {incident.service}" if incident.service else ""
    began = f"started at {_moment(started)}" if started else f"was opened at {_moment(incident.opened_at)}"
    kind = f"drill ({incident.severity.value})" if incident.drill else incident.severity.value
    return f"{incident.id}, a {kind}{on}, {began}."


def _noticed(incident: Incident, entries: Sequence[Entry]) -> str:
    """Say who opened it, how long after its start; an alert that did is named."""
    who, opened, began = incident.reporter.name, incident.opened_at, incident.milestones.get(Milestone.STARTED)
    after = f", {duration(opened - began)} after its start" if began and opened - began >= _AT_ONCE else ""
    if incident.drill:
        return f"{who} began it as a drill, so nobody had to notice it."
    severity = entries[0].facts.get("severity", incident.severity.value)
    return f"{who} opened it as {severity} at {opened:%H:%M:%S} UTC{after}."


def _hit(incident: Incident) -> str:
    return f"Who was hit: {incident.impact.rstrip('.')}." if incident.impact else ""


def _cause(entries: Sequence[Entry]) -> str:
    last = final(entries)
    if last is None:
        return ""
    because = f": {last.statement}" if last.statement else "."
    return f"FirstFive's verdict was {last.verdict}{because}" if last.verdict else f"No fault class was named{because}"


def _culprit(incident: Incident) -> str:
    named = culprit(incident.bisects)
    return f"{named.rstrip('.')}." if named else ""


def _lead(incident: Incident) -> str:
    return f"{incident.commander.name} was its commander." if incident.commander else "It had no commander."


def _ended(incident: Incident, entries: Sequence[Entry]) -> str:
    times = incident.milestones
    since = times.get(Milestone.STARTED) or incident.opened_at
    counted = "its start" if Milestone.STARTED in times else "its opening"
    ends = [
        f"{each.value} after {duration(times[each] - since)}{_by(entries, each)}"
        for each in (Milestone.MITIGATED, Milestone.RESOLVED)
        if each in times
    ]
    if not ends:
        return f"It is {incident.status.value}."
    return f"Counted from {counted}, it was {' and '.join(ends)}."


def _by(entries: Sequence[Entry], which: Milestone) -> str:
    """Give, in brackets, what somebody said as it was mitigated: nobody knows better what helped."""
    said = [e.facts.get("text") for e in entries if e.kind == Kind.STATUS_SET and e.facts.get("status") == which]
    return f" ({str(said[-1]).rstrip('.')})" if said and said[-1] else ""


def _length(incident: Incident, last: datetime) -> str:
    started = incident.milestones.get(Milestone.STARTED)
    ended = incident.milestones.get(Milestone.RESOLVED)
    since = started or incident.opened_at
    began = "from its start" if started else "from its opening (when it started was not recorded)"
    if ended is None:
        return f"Not resolved by its last entry, {duration(last - since)} {began}."
    return f"It lasted {duration(ended - since)}, {began} until it was resolved."


def _severities(incident: Incident, entries: Sequence[Entry]) -> list[str]:
    """Tell how long it had which severity, if that ever changed."""
    changes = [entry for entry in entries if entry.kind == Kind.SEVERITY_SET and entry.body is not None]
    if not changes:
        return []
    until = incident.milestones.get(Milestone.RESOLVED) or in_time(entries)[-1].at
    first = entries[0].facts.get("severity") or changes[0].facts.get("was", "")
    spans = [(first, incident.opened_at), *((entry.facts["severity"], entry.at) for entry in changes)]
    ends = [*pairwise(spans), (spans[-1], ("", max(until, spans[-1][1])))]
    return ["It was " + ", then ".join(f"{name} for {duration(end - at)}" for (name, at), (_, end) in ends) + "."]


def _first_look(incident: Incident) -> list[str]:
    """Quote what the first phase of the SOP measured: the probe's answer, error ratio, builds."""
    return [f"At the start: {unmarked(phase.summary)}" for phase in incident.phases[:1] if phase.summary]


def sources(entries: Iterable[Entry]) -> Mapping[str, str]:
    """Give from where each milestone is known, by its name: the last word counts."""
    told = (entry.facts for entry in entries if entry.kind == Kind.MILESTONE and entry.body is not None)
    return {str(facts["milestone"]): str(facts.get("source") or "") for facts in told}


def _since(incident: Incident, entries: Sequence[Entry]) -> str:
    started = incident.milestones.get(Milestone.STARTED)
    if started is None:
        return "When it started was not recorded."
    source = sources(entries).get(Milestone.STARTED)
    return f"It started at {_moment(started)}{f' (source: {source})' if source else ''}."


def _alerted(incident: Incident, entries: Sequence[Entry]) -> str:
    """Say whether an alert told of it; that none did is worth to be known."""
    first = next((e for e in in_time(entries) if e.kind == Kind.ALERT_FIRED and e.body is not None), None)
    if first is None:
        return "" if incident.drill else "No alert is on its timeline."
    names = ", ".join(map(str, first.facts.get("names") or ())) or "an alert"
    return f"The first alert on its timeline is {names}, by {first.actor_name}, at {first.at:%H:%M:%S} UTC."


def _acknowledged(incident: Incident, entries: Sequence[Entry]) -> str:
    at = incident.milestones.get(Milestone.ACKNOWLEDGED)
    if at is None:
        return "Nobody acknowledged it."
    marked = [e for e in entries if e.kind == Kind.MILESTONE and e.facts.get("milestone") == Milestone.ACKNOWLEDGED]
    by = incident.answered if marked and marked[-1].actor == FIRSTFIVE.id else marked[-1].actor_name if marked else ""
    return f"{by or 'Somebody'} acknowledged it at {at:%H:%M:%S} UTC."


def _commanders(entries: Iterable[Entry]) -> list[str]:
    return [
        f"{entry.facts['name']} was commander from {entry.at:%H:%M:%S} UTC on."
        for entry in entries
        if entry.kind == Kind.ROLE_SET and entry.facts.get("role") == "commander" and entry.facts.get("person")
    ]


def _five_minutes(incident: Incident) -> str:
    spent = [
        f"{phase.title} {phase.state.value} after {seconds(phase.elapsed_s(phase.ended_at))}"
        for phase in incident.phases
        if phase.ended_at
    ]
    return f"The five minutes: {', '.join(spent)}." if spent else "The five-minute SOP did not run."


def _located(incident: Incident) -> str:
    at = incident.milestones.get(Milestone.LOCATED)
    return f"The fault was located at {at:%H:%M:%S} UTC." if at else "When the fault was located was not recorded."


def _updates(entries: Iterable[Entry]) -> str:
    wrote = [entry for entry in entries if entry.kind == Kind.UPDATE]
    if not wrote:
        return "No update was written."
    count = "One update was" if len(wrote) == 1 else f"{len(wrote)} updates were"
    return f"{count} written, the first at {wrote[0].at:%H:%M:%S} UTC."


def _unreached(incident: Incident, which: Milestone) -> str:
    if which in incident.milestones:
        return ""
    return f"When it was {which.value} was not recorded." if incident.is_over else f"It is not {which.value} yet."


def _canaries(entries: Sequence[Entry]) -> list[Compared]:
    """Give each canary that was found bad, and what was measured after the router was told."""
    artifacts, found = kept(entries), dict[str, Compared]()
    for entry in entries:
        facts = entry.facts
        if entry.kind != Kind.JUDGED or not facts:
            continue
        service, words, proof = str(facts["service"]), str(facts["words"]), evidence(entry, artifacts)
        if facts.get("when") == "verified":
            known = found.get(service, Compared("", "", ""))
            found[service] = Compared(_canary(service), known.before, words, known.before_proof, proof)
        elif service not in found or facts.get("when") == "breach":
            found[service] = Compared(_canary(service), words, "", proof)
    return list(found.values())


def _canary(service: str) -> str:
    return f"Canary of {service}"


def _diagnoses(incident: Incident, entries: Sequence[Entry]) -> list[Compared]:
    """Give the verdict on the fault, and the last one after it was mitigated."""
    verdicts, mitigated = judged(entries), incident.milestones.get(Milestone.MITIGATED)
    first = final([entry for entry in entries if mitigated is None or entry.at <= mitigated])
    if first is None:
        return []
    later = [each for each in verdicts if mitigated and each.at > mitigated]
    after = later[-1] if later else None
    return [
        Compared("Diagnosis", _said(first), _said(after) if after else "", first.proof, after.proof if after else None)
    ]


def _said(it: Judged) -> str:
    return f"{it.verdict or 'No fault class'}{f': {it.statement}' if it.statement else ''}"
