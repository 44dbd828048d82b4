"""What the pages show of an incident, worked out from its timeline."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Annotated

from fastapi import Query

from bot.domain.exhibits import (
    PROVING,
    Attached,
    Evidence,
    Found,
    Judged,
    Kept,
    attached,
    evidence,
    found,
    judged,
    kept,
    permalink,
)
from bot.domain.incident import Incident, Status
from bot.domain.measures import Measure, Milestone, duration
from bot.domain.narrative import by_itself, is_child, seconds, tell, unmarked, who
from bot.domain.phases import SOP, PhaseState
from bot.domain.scores import card, of_entry
from bot.domain.timeline import Entry, Kind, in_time
from bot.domain.trend import Trend
from bot.engine.playbook import Registry
from bot.engine.reporting import last_look
from handlers.bisects import BisectView, of_incident

HIGHLIGHTS, EVERYTHING = "highlights", "everything"

_GROUPS = {
    "people": (
        "People",
        {Kind.NOTE, Kind.UPDATE, Kind.IMPACT_SET, Kind.ROLE_SET, Kind.ASKED, Kind.ACTION, Kind.ON_CALL}
        | {Kind.JOINED, Kind.LEFT, Kind.POSTMORTEM_TEXT, Kind.POSTMORTEM_REVIEWED},
    ),
    "messages": ("Messages", {Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED}),
    "state": (
        "State",
        {Kind.OPENED, Kind.SERVICE_SET, Kind.SEVERITY_SET, Kind.STATUS_SET, Kind.MILESTONE, Kind.ESCALATED}
        | {Kind.PAGE_ANSWERED, Kind.MERGED, Kind.TOOK_IN, Kind.CANCELLED}
        | {Kind.DRILL_STARTED, Kind.DRILL_ANSWERED, Kind.DRILL_ENDED},
    ),
    "canary": ("Canary", {Kind.JUDGED, Kind.TRAFFIC_SET, Kind.DRIFTED}),
    "alerts": ("Alerts", {Kind.ALERT_FIRED, Kind.ALERT_RESOLVED}),
    "evidence": (
        "Evidence",
        {Kind.ARTIFACT, Kind.FINDING, Kind.VERDICT, Kind.BISECTED, Kind.POSTMORTEM} | {Kind.POSTMORTEM_PUBLISHED},
    ),
    "runs": ("Runs", {Kind.RUN_STARTED, Kind.STEP_STARTED, Kind.STEP_ENDED, Kind.RUN_ENDED}),
    "slack": ("Slack", {Kind.CHANNEL_OPENED, Kind.CHAT_FAILED}),
}
_ALWAYS_INNER = frozenset({Kind.STEP_STARTED, Kind.CHAT_FAILED, Kind.BISECTING})
_OF_RUNS = frozenset({Kind.RUN_STARTED, Kind.RUN_ENDED, Kind.STEP_ENDED})
_PERHAPS_INNER = _ALWAYS_INNER | _OF_RUNS
# What a page shows beside its lines comes from these: a long timeline is gone through once to find them.
_SHOWN_BESIDE = PROVING | {Kind.RUN_STARTED, Kind.RUN_ENDED, Kind.JUDGED, Kind.DRILL_ENDED}
_ON_A_PAGE = 100
# What their steps come to has entries of its own.
_TELL_IT_THEMSELVES = {"bisect"}
_TEXT = (".txt", ".json", ".md", ".log", ".yaml", ".toml")


@dataclass(frozen=True)
class Clock:
    """The five minutes. `until` is set while they count down; `state` is ahead, over or done."""

    state: str
    headline: str
    detail: str
    until: datetime | None = None


@dataclass(frozen=True)
class PhaseRow:
    """A phase of the SOP; `share` is how much of its budget is spent, 0 to 1. `ends_at` while it runs."""

    title: str
    state: PhaseState
    spent: str
    budget: str
    share: float
    summary: str
    started_at: datetime | None = None
    budget_s: float = 0.0


@dataclass(frozen=True)
class RunRow:
    """A run as the timeline tells of it."""

    id: str
    playbook: str
    who: str
    status: str
    took: str
    depth: int


@dataclass(frozen=True)
class Line:
    """A line of the timeline; `new_day` when its date differs from the line before it."""

    seq: int
    at: datetime
    who: str
    by_itself: bool
    kind: str
    what: str
    proof: Evidence | None
    new_day: bool = False
    files: tuple[Attached, ...] = ()
    link: str = ""


@dataclass(frozen=True)
class Filter:
    """A way to look at the timeline: its name in the address, its label, how many entries it shows."""

    name: str
    label: str
    count: int


@dataclass(frozen=True)
class CanaryView:
    """Where the canary stands, the picture of both tracks when it was last looked at, and the file with the numbers."""

    lines: tuple[str, ...]
    trend: Trend
    at: datetime | None
    proof: Evidence | None


@dataclass(frozen=True)
class IncidentView:
    """An incident's page."""

    incident: Incident
    now: datetime
    clock: Clock
    phases: tuple[PhaseRow, ...]
    findings: tuple[Found, ...]
    judged: Judged | None
    earlier: Judged | None
    fix: str
    artifacts: tuple[Kept, ...]
    measures: tuple[Measure, ...]
    drilled: tuple[str, ...]
    canary: CanaryView | None
    bisects: tuple[BisectView, ...]
    runs: tuple[RunRow, ...]
    lines: tuple[Line, ...]
    filters: tuple[Filter, ...]
    show: str
    oldest_first: bool
    page: int
    pages: int
    text_suffixes: tuple[str, ...] = _TEXT


@dataclass(frozen=True)
class Look:
    """How the timeline is looked at, as the address says it.

    Pages count from the oldest, so that they stay as they are. `entry`: the page is the one on which this is.
    """

    show: str = ""
    order: str = ""
    page: Annotated[int, Query(ge=0, le=999_999_999)] = 0
    entry: Annotated[int, Query(ge=0, le=999_999_999)] = 0


def view(incident: Incident, entries: Sequence[Entry], now: datetime, registry: Registry, look: Look) -> IncidentView:
    """Work out the page of an incident, which is what its entries come to."""
    beside = [entry for entry in entries if entry.kind in _SHOWN_BESIDE]
    artifacts = kept(beside)
    verdicts, findings = judged(beside), found(beside)
    inner = {entry.seq for entry in entries if entry.kind in _PERHAPS_INNER and _is_inner(entry)}
    filters = _filters(entries, len(inner))
    chosen = look.show if look.show in {each.name for each in filters} else HIGHLIGHTS
    chosen = EVERYTHING if look.entry else chosen
    oldest_first = look.order == "oldest"
    shown, page, pages = _page(in_time(_chosen(entries, chosen, inner)), look)
    return IncidentView(
        incident=incident,
        now=now,
        clock=_clock(incident, now),
        phases=_phases(incident, now, registry),
        findings=findings,
        fix=next((each.fix for each in findings if verdicts and each.fault_class == verdicts[-1].verdict), ""),
        judged=verdicts[-1] if verdicts else None,
        earlier=next((each for each in reversed(verdicts) if each.verdict), None),
        artifacts=artifacts,
        measures=incident.measures,
        drilled=_drilled(beside),
        canary=_canary(incident, beside, artifacts),
        bisects=of_incident(incident),
        runs=runs(beside),
        lines=lines(shown if oldest_first else shown[::-1], artifacts),
        filters=filters,
        show=chosen,
        oldest_first=oldest_first,
        page=page,
        pages=pages,
    )


def _page(entries: Sequence[Entry], look: Look) -> tuple[Sequence[Entry], int, int]:
    """Give a page of entries, its number, and how many there are; the last one takes what would be a short page."""
    pages = max(1, len(entries) // _ON_A_PAGE)
    page = look.page or (1 if look.order == "oldest" else pages)
    if look.entry:
        place = next((place for place, entry in enumerate(entries) if entry.seq == look.entry), 0)
        page = place // _ON_A_PAGE + 1
    page = min(page, pages)
    begin = (page - 1) * _ON_A_PAGE
    return entries[begin : begin + _ON_A_PAGE if page < pages else None], page, pages


def _drilled(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Give the score of the drill, once it has one."""
    for entry in reversed(entries):
        if (score := of_entry(entry)) is not None:
            return card(score, entry.facts, entry.facts["before"])
    return ()


def _canary(incident: Incident, entries: Sequence[Entry], artifacts: Sequence[Kept]) -> CanaryView | None:
    rollout = incident.rollout
    if rollout is None:
        return None
    judged_words = f"{rollout.judgement.capitalize()}: {rollout.words}." if rollout.judgement else ""
    said = tuple(filter(None, (judged_words, rollout.set_, rollout.safe, rollout.drift)))
    look = last_look(entries)
    if look is None:
        return CanaryView(said, Trend(), None, None)
    entry, shown = look
    return CanaryView(said, shown, entry.at, evidence(entry, artifacts))


def _clock(incident: Incident, now: datetime) -> Clock:
    since = incident.milestones.get(Milestone.STARTED, incident.opened_at)
    ended = incident.milestones.get(Milestone.RESOLVED) or incident.milestones.get(Milestone.MITIGATED)
    deadline = incident.deadline_at
    if incident.status is not Status.OPEN:
        after = f" after {duration(ended - since)}" if ended else ""
        return Clock(
            "done", f"{incident.status.value.capitalize()}{after}", f"at {ended:%H:%M:%S} UTC" if ended else ""
        )
    if now < deadline:
        return Clock("ahead", countdown(deadline - now), f"left, until {deadline:%H:%M:%S} UTC", deadline)
    over = f"since {deadline:%H:%M:%S} UTC, and it is not mitigated"
    return Clock("over", "Five minutes are over", f"{over}. Open for {duration(now - incident.opened_at)}.")


def countdown(left: timedelta) -> str:
    """Write what is left of the five minutes: `4:07`."""
    minutes, rest = divmod(max(0, int(left.total_seconds())), 60)
    return f"{minutes}:{rest:02}"


def _phases(incident: Incident, now: datetime, registry: Registry) -> tuple[PhaseRow, ...]:
    """Give the phases that began, and those that are still ahead."""
    begun = tuple(
        PhaseRow(
            title=phase.title,
            state=phase.state,
            spent=seconds(phase.elapsed_s(now)),
            budget=seconds(round(phase.budget_s)),
            share=min(1.0, phase.elapsed_s(now) / phase.budget_s) if phase.budget_s else 1.0,
            summary=unmarked(phase.summary),
            started_at=phase.started_at if phase.state is PhaseState.RUNNING else None,
            budget_s=phase.budget_s,
        )
        for phase in incident.phases
    )
    names = {phase.name for phase in incident.phases}
    steps = registry[SOP].steps if SOP in registry else []
    ahead = tuple(
        PhaseRow(step.title, PhaseState.AHEAD, "", seconds(step.budget_s), 0.0, "")
        for step in steps
        if step.budget_s and step.name not in names
    )
    return begun + ahead


def runs(entries: Iterable[Entry]) -> tuple[RunRow, ...]:
    """Give the runs that the timeline names, in the order they began."""
    rows: dict[str, RunRow] = {}
    for entry in entries:
        if entry.kind == Kind.RUN_STARTED:
            name = str(entry.facts.get("playbook", ""))
            rows[entry.run_id] = RunRow(entry.run_id, name, entry.actor_name, "running", "", entry.run_id.count("."))
        elif entry.kind == Kind.RUN_ENDED and entry.run_id in rows:
            facts = entry.facts
            took = seconds(float(facts.get("elapsed_s", 0.0)))
            rows[entry.run_id] = replace(rows[entry.run_id], status=str(facts.get("status", "")), took=took)
    return tuple(rows.values())


def _filters(entries: Sequence[Entry], inner: int) -> tuple[Filter, ...]:
    names = {
        HIGHLIGHTS: "Highlights",
        EVERYTHING: "Everything",
        **{name: label for name, (label, _) in _GROUPS.items()},
    }
    kinds = Counter(map(attrgetter("kind"), entries))
    counts = {name: sum(kinds[kind] for kind in of) for name, (_, of) in _GROUPS.items()}
    counts |= {EVERYTHING: len(entries), HIGHLIGHTS: len(entries) - inner}
    return tuple(Filter(name, label, counts[name]) for name, label in names.items() if counts[name])


def _chosen(entries: Sequence[Entry], show: str, inner: Collection[int]) -> Sequence[Entry]:
    if show == EVERYTHING:
        return entries
    if show == HIGHLIGHTS:
        return [entry for entry in entries if entry.seq not in inner]
    kinds = _GROUPS[show][1]
    return [entry for entry in entries if entry.kind in kinds]


def _is_inner(entry: Entry) -> bool:
    """Tell whether an entry is of the machinery: what a run began or did as it should, inside of another."""
    if entry.kind in _ALWAYS_INNER:
        return True
    if entry.kind not in _OF_RUNS or not (is_child(entry.run_id) or _may_tell_itself(entry)):
        return False
    facts = entry.facts
    went_on = {"done"} if facts.get("playbook") == SOP else {"done", "missing"}
    is_well = facts.get("outcome", facts.get("status", "done")) in went_on
    if entry.kind == Kind.STEP_ENDED and facts.get("playbook") in _TELL_IT_THEMSELVES:
        return is_well
    return is_child(entry.run_id) and is_well


def _may_tell_itself(entry: Entry) -> bool:
    """Tell, without reading thousands of bodies, which steps cannot be of a playbook that tells it itself."""
    body = entry.body or ""
    return entry.kind == Kind.STEP_ENDED and any(f'"{name}"' in body for name in _TELL_IT_THEMSELVES)


def lines(entries: Sequence[Entry], artifacts: Sequence[Kept]) -> tuple[Line, ...]:
    """Tell each entry in a line, with what proves it."""
    told: list[Line] = []
    for entry in entries:
        new_day = bool(told) and told[-1].at.date() != entry.at.date()
        proof = evidence(entry, artifacts)
        told.append(
            Line(
                seq=entry.seq,
                at=entry.at,
                who=who(entry),
                by_itself=by_itself(entry),
                kind=entry.kind,
                what=tell(entry),
                proof=proof,
                new_day=new_day or not told,
                files=attached(entry),
                link=permalink(entry),
            )
        )
    return tuple(told)
