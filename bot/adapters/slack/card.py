"""The card: one living message for each incident, on one screen. The same incident at the same time gives the same."""

from datetime import datetime, timedelta

from bot.adapters.slack.bisects import culprit_line
from bot.adapters.slack.blocks import (
    BRIEF,
    FALLBACK,
    HEADER,
    Around,
    Json,
    Message,
    approval,
    context,
    named,
    plain,
    section,
)
from bot.adapters.slack.buttons import service_question, state_buttons
from bot.adapters.slack.rollouts import canary_card
from bot.adapters.slack.text import ago, clean, clock, escape, line, plain_clock, shorten
from bot.domain.incident import Incident, Status
from bot.domain.measures import Milestone, duration
from bot.domain.narrative import seconds
from bot.domain.phases import Phase, PhaseState

TICK = timedelta(seconds=30)
_SECTION = 2_000
_MOST_WARNINGS = 3
_MOST_PHASES = 8
_MOST_ON_CALL = 5

_SIGNS = {
    PhaseState.AHEAD: "○",
    PhaseState.RUNNING: "▶",
    PhaseState.DONE: "✓",
    PhaseState.OVERRAN: "!",
    PhaseState.FAILED: "✗",
}


def card(incident: Incident, around: Around, now: datetime) -> Message:
    """Draw the incident's card as of `now`, with the buttons that fit its state."""
    at = _as_of(incident, now)
    top = [_standing(incident), _impact(incident), _deadline(incident, at), *_phases(incident, around, at)]
    found = [_drilled(incident), _verdict(incident), culprit_line(incident)]
    said = [*found, *_warnings(incident), _escalation(incident), _last_update(incident, at)]
    notes = "\n".join(filter(None, said))
    blocks: list[Json] = [
        {"type": "header", "text": plain(head(incident), HEADER)},
        section("\n".join(filter(None, top)), _SECTION),
        *([section(notes, _SECTION)] if notes else []),
        *canary_card(incident),
        *_waiting(incident, around, now),
        *service_question(incident, around),
        state_buttons(incident, around),
        context(_foot(incident, around)),
    ]
    return Message(_summary(incident, at), named(blocks))


def head(incident: Incident) -> str:
    """Name it in a line; of a drill, that it is one stands first."""
    named = f"{incident.severity.value} {incident.id}"
    return f"{incident.title} ({named})" if incident.drill else f"{named} {incident.title}"


def turns_at(incident: Incident, now: datetime) -> datetime | None:
    """Give when the passing of time alone changes the card next; None when it does not.

    Such moments are whole ticks from the deadline, so that no two are closer to each other than a tick; only what may
    be done alone is offered as soon as it may.
    """
    moments = [asked.alone_at for asked in incident.waiting[:1] if asked.alone_at is not None]
    if incident.status is Status.OPEN and not incident.escalation:
        moments.append(incident.deadline_at)
    if not incident.is_over and incident.next_update_at is not None:
        moments.append(incident.deadline_at - (incident.deadline_at - incident.next_update_at) // TICK * TICK)
    return min((moment for moment in moments if moment > now), default=None)


def _as_of(incident: Incident, now: datetime) -> datetime:
    """Give the latest whole tick from the deadline."""
    return incident.deadline_at + (now - incident.deadline_at) // TICK * TICK


def _standing(incident: Incident) -> str:
    """Say in one line what everybody asks first; the severity is in the header."""
    commander = line(incident.commander.name, 100) if incident.commander else "nobody yet"
    service = line(incident.service, 100) or "not named yet"
    parts = [f"Status *{incident.status.value}*", f"Commander *{commander}*", f"Service *{service}*", _alerts(incident)]
    return " · ".join(filter(None, parts))


def _impact(incident: Incident) -> str:
    if incident.impact:
        return f"Impact *{line(incident.impact, 250)}*"
    return "Impact *not said yet*" if incident.status is Status.OPEN else ""


def _deadline(incident: Incident, at: datetime) -> str:
    if incident.merged_into:
        return f"*Part of {line(incident.merged_into, 20)} now*; go on there."
    if incident.cancelled:
        return f"*Called off:* {line(incident.cancelled, 250)}"
    if incident.status is not Status.OPEN:
        return _ended(incident)
    over = clock(incident.deadline_at)
    if incident.escalation or at >= incident.deadline_at:
        return f"*Five minutes were over at {over}.*"
    nobody = "in a drill" if incident.drill else f"for {incident.severity.value}"
    pages = incident.severity.pages and not incident.drill
    then = "it escalates then" if pages else f"nobody is paged {nobody}"
    return f"*Five minutes end at {over}*; {then}."


def _ended(incident: Incident) -> str:
    started = incident.milestones.get(Milestone.STARTED)
    since, word = (started, "start") if started else (incident.opened_at, "opening")
    reached = [(what, incident.milestones.get(what)) for what in (Milestone.MITIGATED, Milestone.RESOLVED)]
    told = [f"{what.value} {seconds((at - since).total_seconds())}" for what, at in reached if at is not None]
    if not told:
        return f"*{incident.status.value.capitalize()}.*"
    return f"*{' and '.join(told).capitalize()} after the {word}.*"


def _phases(incident: Incident, around: Around, at: datetime) -> list[str]:
    """Give a line for each phase that began, and while the five minutes run for each that is still to come."""
    lines = [_phase(phase) for phase in incident.phases]
    if incident.status is Status.OPEN and not incident.escalation and at < incident.deadline_at:
        begun = {phase.title for phase in incident.phases}
        ahead = [(title, budget_s) for title, budget_s in around.phases if title not in begun]
        lines += [f"{_SIGNS[PhaseState.AHEAD]} {title} {duration(timedelta(seconds=s))}" for title, s in ahead]
    return lines[:_MOST_PHASES]


def _phase(phase: Phase) -> str:
    budget = timedelta(seconds=round(phase.budget_s))
    times, summary = "", phase.summary
    if phase.state is PhaseState.RUNNING and budget:
        times = f" until {clock(phase.started_at + budget)}"
    elif phase.state is PhaseState.OVERRAN:
        times, summary = f" its {duration(budget)}", ""
    elif phase.ended_at is not None:
        of_budget = f" of {duration(budget)}" if budget else ""
        times = f" in {seconds((phase.ended_at - phase.started_at).total_seconds())}{of_budget}"
    told = f": {line(summary, 220)}" if summary else ""
    return f"{_SIGNS[phase.state]} *{line(phase.title, 80)}* {phase.state.value}{times}{told}"


def _drilled(incident: Incident) -> str:
    """Say what a drill was once it is over: the last verdict is of whatever is wrong besides."""
    return f"*{line(incident.drilled, 200)}*" if incident.drilled else ""


def _verdict(incident: Incident) -> str:
    if incident.verdict:
        fix = f"\n*Fix:* {line(incident.fix, 300)}" if incident.fix else ""
        return f"*Verdict: {line(incident.verdict, 60)}.* {line(incident.proof or incident.statement, 500)}{fix}"
    if incident.drilled or not incident.statement:
        return ""
    if incident.gone_at is not None:
        return f"*Was {line(incident.was, 60)}, gone since {clock(incident.gone_at)}.* {line(incident.proof, 500)}"
    was = f"Was {line(incident.was, 60)}; no verdict now" if incident.was else "No verdict"
    return f"*{was}.* {line(incident.statement, 500)}"


def _warnings(incident: Incident) -> list[str]:
    return [f"Note: {line(warning, 250)}" for warning in incident.warnings[:_MOST_WARNINGS]]


def _alerts(incident: Incident) -> str:
    if not incident.alerts:
        return ""
    firing = sum(incident.alerts.values())
    return f"*{firing} {'alert fires' if firing == 1 else 'alerts fire'}*" if firing else "All alerts have resolved"


def _escalation(incident: Incident) -> str:
    answered = f" *{line(incident.answered, 60)} answered the page.*" if incident.answered else ""
    return f"*Escalated.* {line(incident.escalation, 300)}{answered}" if incident.escalation else ""


def _on_call(incident: Incident) -> str:
    names = [line(person.name, 60) for person in incident.on_call[:_MOST_ON_CALL]]
    return f" · On call: {', '.join(names)}" if names and not incident.is_over else ""


def _last_update(incident: Incident, at: datetime) -> str:
    said, due = incident.last_update, incident.next_update_at
    lines = [f"Last update {ago(said.at)} by {line(said.who, 60)}: {line(said.text, 250)}"] if said else []
    if due is not None and not incident.is_over:
        overdue = f"*The next update was promised for {clock(due)}.*"
        lines.append(overdue if at >= due else f"Next by {clock(due)}")
    return " · ".join(lines)


def _waiting(incident: Incident, around: Around, now: datetime) -> list[Json]:
    """Show the oldest request for approval with its buttons; a message of its own shows each."""
    if not incident.waiting:
        return []
    first, *others = incident.waiting
    more = [context(f"{len(others)} more {'waits' if len(others) == 1 else 'wait'} below.")] if others else []
    alone = first.alone_at is not None and now >= first.alone_at
    return [*approval(incident.id, first, around, room=BRIEF, alone=alone), *more]


def _foot(incident: Incident, around: Around) -> str:
    opened = f"opened {clock(incident.opened_at)} by {line(incident.reporter.name, 60)}"
    private = " · *Private*: only who takes part sees it" if incident.private else ""
    return f"<{around.page(incident.id)}|{incident.id}>, {opened}{_on_call(incident)}{private}"


def _summary(incident: Incident, at: datetime) -> str:
    commander = shorten(clean(incident.commander.name), 60) if incident.commander else "nobody yet"
    until = ""
    if incident.status is Status.OPEN and not incident.escalation:
        tense = "end" if at < incident.deadline_at else "were over"
        until = f" Five minutes {tense} {plain_clock(incident.deadline_at)}."
    status = (
        "part of another" if incident.merged_into else "called off" if incident.cancelled else incident.status.value
    )
    return escape(f"{shorten(clean(head(incident)), FALLBACK)}: {status}, commander {commander}.{until}")
