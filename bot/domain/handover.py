"""Where an incident stands, for whoever takes over: what they would ask first, in a few lines."""

from collections.abc import Sequence
from itertools import islice

from bot.domain.bisect.bisects import culprit
from bot.domain.incident import Incident
from bot.domain.timeline import Entry, Kind

_NOTES = 3
_LONGEST = 200


def brief(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Give status, impact, verdict, culprit, what waits for approval, next update, last notes: Markdown, a line each.

    `entries` are what the incident was folded from. It names moments, not ages: the same entries give the same lines.
    """
    found = [f"Status: {_status(incident)}.", f"Who is hit: {incident.impact or 'nobody has said'}."]
    found.append(_verdict(incident))
    found += [_short(each) for each in (culprit(incident.bisects),) if each]
    found += [f"Waits for a second person: {_short(each.words)}." for each in incident.waiting]
    if incident.next_update_at is not None and not incident.is_over:
        found.append(f"The next update is promised for {incident.next_update_at:%H:%M} UTC.")
    said = (entry for entry in reversed(entries) if entry.kind in {Kind.NOTE, Kind.UPDATE} and entry.body is not None)
    last = [f"{each.at:%H:%M} {each.actor_name}: {_short(each.facts['text'])}" for each in islice(said, _NOTES)]
    return (*found, *reversed(last))


def _verdict(incident: Incident) -> str:
    if incident.verdict:
        return f"Verdict: {_short(f'{incident.verdict}. {incident.statement}')}"
    if incident.gone_at is not None:
        return f"Was {incident.was}, gone since {incident.gone_at:%H:%M} UTC."
    return f"Was {incident.was}; no verdict now." if incident.was else "No verdict yet."


def _status(incident: Incident) -> str:
    since = incident.milestones.get(incident.status.value)
    when = f"since {since:%H:%M} UTC" if since else f"opened at {incident.opened_at:%H:%M} UTC"
    return f"{incident.severity.value}, {incident.status.value}, {when}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
