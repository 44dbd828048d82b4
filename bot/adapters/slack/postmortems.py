"""What a channel is told of a postmortem: who wrote in it, who has read it, and what it says when it is published."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.slack.blocks import SECTION, Around, Message, actions, link_button, named, section
from bot.adapters.slack.text import clock, line, paragraphs, shorten
from bot.domain import publishing
from bot.domain.incident import fold
from bot.domain.postmortem import Postmortem, compose
from bot.domain.sections import TITLES, SectionId
from bot.domain.timeline import Entry

_FALLBACK, _LONGEST = 300, 600


def wrote(facts: Mapping[str, Any], who: str) -> str:
    """Say in which section somebody wrote; the words stay on its page."""
    return f"{who} wrote in the postmortem: {TITLES[SectionId(facts['section'])]}"


def reviewed(facts: Mapping[str, Any], who: str) -> str:
    """Say who has read it."""
    return f"{who} reviewed the postmortem{publishing.reviewed(facts)}"


def published(entry: Entry, entries: Sequence[Entry], around: Around) -> Message:
    """Give a published postmortem in short, as the incident's channel and the thread of its announcement show it."""
    before = [each for each in entries if each.seq < entry.seq]
    it = compose(fold(before), before)
    head = (
        f"*Postmortem of {it.id} published* by {line(entry.actor_name, 60)}, {clock(entry.at)}: {line(it.title, 200)}"
    )
    left = sum(item.status == "open" for item in it.actions)
    items = f"{left} action {'item is' if left == 1 else 'items are'} open." if left else "No action item is open."
    told = [head, *(line(sentence, _LONGEST) for sentence in _summary(it)), *_measured(it), items]
    ways = [
        link_button("Read it", f"{around.page(it.id)}/postmortem"),
        link_button("As Markdown", around.artifact(str(entry.facts["artifact"]))),
    ]
    pieces = [section(piece) for piece in paragraphs("\n".join(told), SECTION, 2)]
    return Message(shorten(head, _FALLBACK), named([*pieces, actions(ways)]))


def _measured(it: Postmortem) -> list[str]:
    """Give the measures in a line; those that nobody can tell at its end, by their names alone."""
    known = [f"{each.name} {each.text}" for each in it.measures if each.value is not None]
    unknown = ", ".join(each.name for each in it.measures if each.value is None)
    found = [", ".join(known), f"not recorded: {unknown}" if unknown else ""]
    said = "; ".join(filter(None, found))
    return [f"{said[0].upper()}{said[1:]}"] if said else []


def _summary(it: Postmortem) -> tuple[str, ...]:
    """Give what people wrote as the summary, or else what the timeline says."""
    written = next((each.text for each in it.sections if each.id is SectionId.SUMMARY), None)
    return tuple(written.text.splitlines()) if written else it.summary
