"""What Slack shows of a bisect: one message that lives as long as it runs, and a line on the card."""

from bot.adapters.slack.blocks import Around, Json, Message, actions, button, link_button, named, section
from bot.adapters.slack.text import clean, escape, line, shorten
from bot.domain.bisect.bisects import Bisect, blamed
from bot.domain.bisect.standing import lines as standing_lines
from bot.domain.bisect.telling import headline
from bot.domain.bisect.telling import lines as told_lines
from bot.domain.incident import Incident
from bot.domain.narrative import unmarked

BISECT = "bisect:"
_LINE, _CARD, _FALLBACK = 400, 250, 300


def bisect_message(incident: Incident, bisect: Bisect, around: Around) -> Message:
    """Draw where a bisect stands, and in the end what it found, with the way to its author."""
    told = _lines(bisect)
    text = "\n".join(line(each, _LINE) for each in told)
    fallback = escape(shorten(clean(unmarked(told[0])), _FALLBACK))
    return Message(fallback, named([section(text), *_buttons(incident, bisect, around)]))


def culprit_line(incident: Incident) -> str:
    """Give the card's line about who did it; "" while nobody knows."""
    bisect = blamed(incident.bisects)
    return line(headline(bisect.told), _CARD) if bisect and bisect.told else ""


def _lines(bisect: Bisect) -> list[str]:
    if bisect.told is not None:
        return told_lines(bisect.told)
    if bisect.failed:
        return [f"*The bisect of {bisect.sought.what} has ended without an answer.*", bisect.failed]
    if bisect.standing is not None:
        return standing_lines(bisect.sought, bisect.standing)
    return [f"*Bisecting {bisect.sought.what}*"]


def _buttons(incident: Incident, bisect: Bisect, around: Around) -> list[Json]:
    """Offer to bring the author in while that helps, and the log to whoever wants to check."""
    culprit = bisect.told.culprit if bisect.told else None
    row = []
    if culprit is not None and culprit.email and not incident.is_over:
        row.append(button("Invite author", f"author commit={culprit.commit} incident={incident.id}"))
    if bisect.log:
        row.append(link_button("Open the log", f"{around.artifact(bisect.log)}?inline=1"))
    return [actions(row)] if row else []
