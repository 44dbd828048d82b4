"""How far along a postmortem is: a draft, read by somebody, published as it was then. A fold of the timeline."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.sections import TITLES
from bot.domain.timeline import Entry, Kind


class Stage(StrEnum):
    """Where it stands. What somebody writes makes a draft of it again."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"


@dataclass(frozen=True)
class Signed:
    """Somebody's word about it: who, when, at which entry; of how many texts. `artifact`: what was published."""

    by: str
    at: datetime
    seq: int
    texts: int
    artifact: str = ""


@dataclass(frozen=True)
class Standing:
    """How far it is. `texts` counts what people have written so far, blanked ones too."""

    texts: int = 0
    reviewed: Signed | None = None
    published: Signed | None = None

    @property
    def stage(self) -> Stage:
        """Give where it stands now."""
        if self.published and self.published.texts == self.texts:
            return Stage.PUBLISHED
        return Stage.REVIEWED if self.reviewed and self.reviewed.texts == self.texts else Stage.DRAFT


def standing(entries: Iterable[Entry]) -> Standing:
    """Give how far the postmortem of a timeline is."""
    texts, last = 0, dict[str, Signed]()
    for entry in entries:
        if entry.kind == Kind.POSTMORTEM_TEXT:
            texts += 1
        elif entry.kind in _SIGNED and entry.body is not None:
            artifact = str(entry.facts.get("artifact") or "")
            last[entry.kind] = Signed(entry.actor_name, entry.at, entry.seq, texts, artifact)
    return Standing(texts, last.get(Kind.POSTMORTEM_REVIEWED), last.get(Kind.POSTMORTEM_PUBLISHED))


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say in a sentence what an entry of one of `KINDS` tells; its actor is the subject."""
    return _TOLD[kind](facts)


def _text(facts: Mapping[str, Any]) -> str:
    title = TITLES.get(facts["section"], facts["section"])
    return f"Wrote in the postmortem, {title}: {facts['text']}" if facts["text"] else f"Took the text of {title} away."


_SIGNED = {Kind.POSTMORTEM_REVIEWED, Kind.POSTMORTEM_PUBLISHED}
_TOLD: Mapping[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.POSTMORTEM: lambda facts: f"Wrote the postmortem {facts['name']}.",
    Kind.POSTMORTEM_TEXT: _text,
    Kind.POSTMORTEM_REVIEWED: lambda _: "Reviewed the postmortem.",
    Kind.POSTMORTEM_PUBLISHED: lambda facts: f"Published the postmortem {facts['name']}.",
}
KINDS = tuple(_TOLD)
"""What writing postmortems leaves on a timeline."""
