"""How far along a postmortem is: a draft, read by somebody, published as it was then. A fold of the timeline."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.incident import Incident, Severity, Status, fold
from bot.domain.sections import TITLES
from bot.domain.timeline import AGAIN, FIRSTFIVE, TOKEN, Entry, Kind, Person, behind

_NAMED = 5
_ON_THE_MACHINE = ("api:", "cli:")
_NOT_SOMEBODY = (*_ON_THE_MACHINE, TOKEN, FIRSTFIVE.id)


class Stage(StrEnum):
    """Where it stands. What somebody writes makes a draft of it again."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"


@dataclass(frozen=True)
class Signed:
    """Somebody's word about it: who, when, at which entry; of how many texts. `artifact`: what was published.

    `alone`: nobody can tell that it was a second person.
    """

    by: str
    at: datetime
    seq: int
    texts: int
    artifact: str = ""
    alone: bool = False


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
            alone = bool(entry.facts.get("alone"))
            last[entry.kind] = Signed(entry.actor_name, entry.at, entry.seq, texts, artifact, alone)
    return Standing(texts, last.get(Kind.POSTMORTEM_REVIEWED), last.get(Kind.POSTMORTEM_PUBLISHED))


def taken_back(entries: Iterable[Entry], published: Signed) -> bool:
    """Tell whether words that stood on the timeline when it was published were taken out of it since."""
    after = (entry for entry in entries if entry.kind == Kind.BLANKED and entry.seq > published.seq)
    return any(int(seq) < published.seq for entry in after for seq in entry.facts.get("entries") or ())


def as_of_then(entries: Sequence[Entry], published: Signed) -> tuple[Incident, list[Entry]]:
    """Give an incident and its timeline as they were when it was published, without words that were taken back since.

    What a redaction recorded again comes later and counts for then; so does what was told to be so until it changed.
    """
    before = [entry for entry in entries if entry.seq < published.seq]
    after = [entry for entry in entries if entry.seq > published.seq]
    runs = {entry.run_id for entry in after if taken_back([entry], published)}
    again = [entry for entry in after if entry.run_id in runs and entry.kind in _STATE | AGAIN]
    incident = fold([*before, *again])
    then = replace(
        incident,
        severity=Severity(_until(after, Kind.SEVERITY_SET) or incident.severity),
        status=Status(_until(after, Kind.STATUS_SET) or incident.status),
        service=_until(after, Kind.SERVICE_SET) or incident.service,
    )
    return then, [*before, *(entry for entry in again if entry.kind in AGAIN)]


def _until(after: Sequence[Entry], kind: Kind) -> str:
    """Give what the first entry of a kind says that was so until then; "" when it does not, or there is none."""
    return next((str(entry.facts.get("was") or "") for entry in after if entry.kind == kind), "")


@dataclass(frozen=True)
class Reviewing:
    """Whether somebody may review it: `why_not` says who could instead, "" when they may.

    `alone`: they may, but nobody can tell that they are not who wrote last. That is recorded.
    """

    why_not: str = ""
    alone: bool = False


def reviewing(incident: Incident, entries: Sequence[Entry], person: Person) -> Reviewing:
    """Tell whether somebody may review the postmortem of a timeline: not whoever wrote in it last.

    An account of FirstFive's own machine may be anybody, so it is let through, as it is to break the glass; without it
    nobody could go on where only one person is. What nobody has written in may be reviewed by everybody.
    """
    wrote = [entry.actor for entry in entries if entry.kind == Kind.POSTMORTEM_TEXT and entry.body is not None]
    if not wrote:
        return Reviewing()
    author = behind(Person(wrote[-1], ""))
    if behind(person) == author and not person.id.startswith(_ON_THE_MACHINE):
        return Reviewing(why_not=_own(incident, author))
    return Reviewing(alone=person.id.startswith(_NOT_SOMEBODY) or wrote[-1].startswith(_NOT_SOMEBODY))


def _own(incident: Incident, author: str) -> str:
    """Say that whoever wrote last does not review it, and who could."""
    others = [each for each in incident.people if each.id != author and not each.id.startswith(_NOT_SOMEBODY)]
    named = ", ".join(each.name for each in others[:_NAMED])
    who = f"{named or 'nobody else takes part'}. `/incident join {incident.id} @somebody` lets another one see it"
    if not incident.private:
        who = f"{named}, or whoever else has read it" if named else "whoever has read it"
    return (
        f"You wrote in the postmortem of {incident.id} last, so somebody else reviews it: {who}. Where nobody else is: "
        f"`firstfive run postmortem incident={incident.id} do=review` on FirstFive's machine, which is recorded so."
    )


def told(kind: Kind, facts: Mapping[str, Any]) -> str:
    """Say in a sentence what an entry of one of `KINDS` tells; its actor is the subject."""
    return _TOLD[kind](facts)


def _text(facts: Mapping[str, Any]) -> str:
    title = TITLES.get(facts["section"], facts["section"])
    return f"Wrote in the postmortem, {title}: {facts['text']}" if facts["text"] else f"Took the text of {title} away."


def reviewed(facts: Mapping[str, Any]) -> str:
    """Say what is to be known of a review beside who gave it; "" when there is nothing."""
    return "; nobody can tell whether that was a second person" if facts.get("alone") else ""


_STATE = frozenset(
    {Kind.SEVERITY_SET, Kind.SERVICE_SET, Kind.STATUS_SET, Kind.MADE_PRIVATE, Kind.CANCELLED, Kind.ACTION}
)
_SIGNED = {Kind.POSTMORTEM_REVIEWED, Kind.POSTMORTEM_PUBLISHED}
_TOLD: Mapping[Kind, Callable[[Mapping[str, Any]], str]] = {
    Kind.POSTMORTEM: lambda facts: f"Wrote the postmortem {facts['name']}.",
    Kind.POSTMORTEM_TEXT: _text,
    Kind.POSTMORTEM_REVIEWED: lambda facts: f"Reviewed the postmortem{reviewed(facts)}.",
    Kind.POSTMORTEM_PUBLISHED: lambda facts: f"Published the postmortem {facts['name']}.",
}
KINDS = tuple(_TOLD)
"""What writing postmortems leaves on a timeline."""
