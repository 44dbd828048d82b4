"""What may be done next about an incident: offered on its card in Slack and on its page, in the same words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.errors import TransitionRefused
from bot.domain.incident import Incident, Status, check_transition
from bot.domain.measures import Milestone

MOST_SHOWN = 5


@dataclass(frozen=True)
class Offer:
    """Something that fits now. `words` are those after `/incident`, without the name of the incident.

    They carry what was seen (`was=`, `saw=`), so that a stale button asks before it takes. `first`: this is missing
    most. `asks`: what must be said yes to before it is done.
    """

    label: str
    words: str
    first: bool = False
    asks: str = ""

    @property
    def verb(self) -> str:
        """The playbook that it asks for."""
        return self.words.partition(" ")[0]


@dataclass(frozen=True)
class Offers:
    """What is seen at once, at most five; and what is looked for, the most wanted first."""

    shown: tuple[Offer, ...]
    more: tuple[Offer, ...] = ()


def offers(incident: Incident, *, routed: bool = False) -> Offers:
    """Say what fits an incident's state; one of them stands out, none while something waits for an approval.

    `routed`: FirstFive can move the traffic of its service.
    """
    if incident.is_over:
        found = Offers(_over(incident))
    elif incident.status is Status.MITIGATED:
        found = _mitigated(incident, routed=routed)
    else:
        found = _open(incident, routed=routed)
    if incident.waiting:
        found = replace(found, shown=tuple(replace(offer, first=False) for offer in found.shown))
    return found


def _open(incident: Incident, *, routed: bool) -> Offers:
    """Give what an open incident needs; the first is what is missing most."""
    shown, more = [], []
    if Milestone.ACKNOWLEDGED not in incident.milestones:
        shown.append(Offer("Acknowledge", "ack", first=True))
    if incident.commander is None:
        shown.append(replace(_COMMAND, first=not shown))
    else:
        more.append(_take_over(incident))
    shown.append(Offer("Mitigated", "mitigate", first=not shown))
    shown.append(Offer("Resolved", "resolve saw=open", asks=_resolving(incident)))
    if len(shown) < MOST_SHOWN - 1:
        shown.append(_UPDATE)
    else:
        more.append(_UPDATE)
    shown.append(_NOTE)
    return Offers(tuple(shown), (*more, *_seldom(incident, routed=routed)))


def _mitigated(incident: Incident, *, routed: bool) -> Offers:
    shown = [Offer("Resolved", "resolve saw=mitigated", first=True, asks=_resolving(incident)), _UPDATE, _NOTE]
    held = [] if incident.commander is None else [_take_over(incident)]
    if incident.commander is None:
        shown.append(_COMMAND)
    return Offers(tuple(shown), (*held, _REOPEN, *_seldom(incident, routed=routed)))


def _over(incident: Incident) -> tuple[Offer, ...]:
    """Give what is left to do about what is over; what does not count has no postmortem to be written."""
    written = [Offer("Postmortem", "postmortem", first=True)] if incident.counts else []
    closed = [Offer("Close", "close")] if incident.status is Status.RESOLVED else []
    return (*written, _NOTE, _REOPEN, *closed)


def _seldom(incident: Incident, *, routed: bool) -> list[Offer]:
    captured = [Offer("Take a snapshot", "snapshot")] if incident.service else []
    diagnosed = [Offer("Diagnose", "diagnose")] if incident.service else []
    changed = [Offer("Roll back", "rollback")] if incident.service and routed else []
    impact = Offer("Change the impact" if incident.impact else "Say who is hit", "impact")
    return [impact, *captured, Offer("Change severity", "severity"), *diagnosed, *changed]


def _take_over(incident: Incident) -> Offer:
    holder = incident.commander.id if incident.commander else "-"
    return Offer("Take command", f"role commander me was={holder}")


def _resolving(incident: Incident) -> str:
    hint = " If users are safe but the cause is not gone: Mitigated." if incident.status is Status.OPEN else ""
    return f"Do this when the cause is gone.{hint}"


_COMMAND = Offer("Take command", "role commander me was=-")
_UPDATE = Offer("Send update", "update")
_NOTE = Offer("Add note", "note")
_REOPEN = Offer("Reopen", "reopen")

VERBS: Mapping[str, tuple[str, ...]] = {
    "Where it stands": (
        *("ack", "mitigate", "resolve", "reopen", "close", "cancel", "merge"),
        *("severity", "service", "milestone"),
    ),
    "Say": ("note", "update", "impact", "action", "postmortem", "bundle", "redact"),
    "People": ("role", "join", "oncall", "page", "snooze", "author"),
    "Find out": (
        "snapshot",
        "diagnose",
        "changes",
        "guard",
        "bisect",
        "canary",
        "dye",
        "audit",
        "trace",
        "packets",
        "sop",
    ),
    "Change": ("rollback", "restore", "empty", "run", "freeze", "thaw", "override", "standing"),
}
"""Every verb that somebody may want for an incident, by what it is for."""

_BECOMES = {
    "mitigate": Status.MITIGATED,
    "resolve": Status.RESOLVED,
    "reopen": Status.OPEN,
    **dict.fromkeys(("close", "cancel", "merge"), Status.CLOSED),
}


def unfit(incident: Incident, verb: str) -> str:
    """Say why a verb has nothing to do in an incident's state; "" when it may."""
    if verb == "ack" and incident.commander is not None and Milestone.ACKNOWLEDGED in incident.milestones:
        return f"{incident.id} was acknowledged already."
    if verb == "ack" and incident.is_over:
        return f"{incident.id} is {incident.status.value}; there is nothing left to acknowledge."
    try:
        if verb in _BECOMES:
            check_transition(incident, _BECOMES[verb])
    except TransitionRefused as refused:
        return str(refused)
    return ""
