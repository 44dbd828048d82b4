"""What Slack should show of an incident besides messages: the channel's name and topic, who is in it, the one line."""

import hashlib
import json
import re
import unicodedata
from typing import Any

from bot.adapters.slack.blocks import Around, Message
from bot.adapters.slack.limits import Rank
from bot.adapters.slack.text import clean, clock, escape, line, shorten
from bot.domain.incident import Incident

# docs.slack.dev/reference/methods/conversations.create and setTopic
NAME = 80
TOPIC = 250
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")


def channel_name(incident: Incident, attempt: int = 1) -> str:
    """Give the name its channel should have: `inc-7-checkout-5xx-after-deploy`, `-2` ... when that is taken.

    That of a drill begins with `drill`.
    """
    named = incident.service and incident.service.lower() not in incident.title.lower()
    title = f"{incident.service} {incident.title}" if named else incident.title
    decomposed = unicodedata.normalize("NFKD", title.lower())
    words = re.sub(r"[^a-z0-9]+", "-", "".join(sign for sign in decomposed if not unicodedata.combining(sign)))
    suffix = f"-{attempt}" if attempt > 1 else ""
    words = words.strip("-")
    kind, words = ("drill", words.removeprefix("drill-")) if incident.drill else ("inc", words)
    return f"{kind}-{incident.number}-{words}".rstrip("-")[: NAME - len(suffix)].rstrip("-") + suffix


def topic(incident: Incident) -> str:
    """Give the channel's topic."""
    commander = incident.commander.name if incident.commander else "nobody yet"
    head = f"{incident.severity.value} {incident.status.value}, commander: {clean(commander)[:60]}, "
    return escape(shorten(head + clean(incident.title), TOPIC // 2))


def rank_of(incident: Incident, *, first: bool = False) -> Rank:
    """Give its place among all that wait for a turn; `first` for what comes before all channels."""
    return Rank(not first, int(incident.severity.value.removeprefix("SEV")), incident.number)


def people(incident: Incident) -> list[str]:
    """Give the ids of who belongs into the channel; whoever came by another way than Slack has none."""
    return [person.id for person in incident.people if is_user(person.id)]


def is_user(person_id: str) -> bool:
    """Tell whether an id is a Slack user's."""
    return _USER.fullmatch(person_id) is not None


def announcement(incident: Incident, around: Around) -> Message:
    """Give the one line that the announcements channel shows."""
    commander = line(incident.commander.name, 60) if incident.commander else "nobody yet"
    where = f" <#{incident.channel}>" if incident.channel else ""
    impact = f", hit: {line(incident.impact, 150)}" if incident.impact else ""
    next_at = None if incident.is_over else incident.next_update_at
    promise = f", next update by {clock(next_at)}" if next_at else ""
    drill = "*DRILL* " if incident.drill else ""
    return Message(
        f"{drill}*{incident.severity.value} {incident.status.value}* <{around.page(incident.id)}|{incident.id}> "
        f"{line(incident.title, 150)}{impact}, commander: {commander}{promise}{where}"
    )


def digest(value: Any) -> str:
    """Give a short stand-in for what is shown."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]
