"""Messages that people have put on the timeline: what the chat says of one now, and what the timeline has of it.

The chat is asked, not believed in the order in which it tells: deliveries repeat, overtake each other and come late, so
the timeline is brought to agree with what the chat says now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.redaction import redact
from bot.domain.timeline import FIRSTFIVE, Draft, Entry, Kind, Person, from_us

BY_HAND = "by hand"
"""How a message came onto the timeline that somebody put there without a mark: it stays when there is none."""
PINNED = "pin"
_UNMARKED, _DELETED = "unmarked", "deleted"
_LONGEST = 4_000
"""Characters of a message that are kept; Slack itself cuts at 40,000."""


@dataclass(frozen=True)
class ChatFile:
    """A file that hangs on a message. `bytes`: its size; `url` is "" when the chat does not have its bytes."""

    id: str
    name: str
    mimetype: str
    bytes: int
    url: str


@dataclass(frozen=True)
class ChatMessage:
    """A message as the chat has it now. `ts`: seconds since 1970, six decimals; `marks`: names of its reactions."""

    channel: str
    ts: str
    author: Person
    text: str
    thread_ts: str = ""
    permalink: str = ""
    marks: tuple[str, ...] = ()
    pinned: bool = False
    files: tuple[ChatFile, ...] = ()
    edited_at: datetime | None = None


@dataclass(frozen=True)
class Unread:
    """Why a message could not be read, and whether a later try can work."""

    reason: str
    again: bool = False


@dataclass(frozen=True)
class KeptFile:
    """A file of a message as the timeline names it: its artifact, or why there is none."""

    id: str
    name: str
    mimetype: str
    bytes: int
    sha256: str = ""
    missing: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """Give what an entry says of it."""
        return {name: value for name, value in self.__dict__.items() if value != ""}


@dataclass(frozen=True)
class Picked:
    """What the timeline has of a message. `files`: their ids; `how` it came there; `on` while it is there.

    `blank`: somebody took its words off the timeline for ever; it does not come back by itself.
    """

    text: str = ""
    files: tuple[str, ...] = ()
    how: str = ""
    on: bool = True
    blank: bool = False


def said_at(ts: str) -> datetime:
    """Give when a message was said, to the microsecond, from its `ts`."""
    return from_us(int(Decimal(ts) * 1_000_000))


def plain_mark(mark: str) -> str:
    """Give the name of a reaction without the tone of a skin."""
    return mark.partition("::")[0]


def storable_text(text: str) -> str:
    """Give the words of a message as they may be kept: no secrets, not too long."""
    kept = redact(text)
    return kept if len(kept) <= _LONGEST else kept[: _LONGEST - 1] + "…"


def storable_bytes(content: bytes) -> bytes:
    """Give the bytes of a text file as they may be kept."""
    return redact(content.decode("utf-8", "replace")).encode()


def picked(entries: Iterable[Entry], channel: str, ts: str) -> Picked | None:
    """Fold what a timeline says of one message; None when it was never there."""
    known: Picked | None = None
    for entry in entries:
        if entry.body is None:
            # What is blank does not say which message it was; when it was said does.
            blank = entry.kind == Kind.MESSAGE and entry.at == said_at(ts)
            known = Picked(blank=True) if blank else known
        elif entry.kind in _APPLY and (entry.facts["channel"], entry.facts["ts"]) == (channel, ts):
            known = _apply(known or Picked(), entry)
    return known


def changes(
    known: Picked | None, told: ChatMessage, how: str, by: str, files: Sequence[KeptFile] = ()
) -> tuple[Draft, ...]:
    """Give what brings the timeline to agree with the chat.

    `how` it is wanted there, "" when nobody wants it; `by`: the name of who asked; `files` as they are kept.
    """
    if known is None or not known.on:
        return (_put(told, how, by, files),) if how else ()
    if known.blank:
        return ()
    if not how and known.how != BY_HAND:
        return (Draft(Kind.MESSAGE_REMOVED, {"channel": told.channel, "ts": told.ts, "why": _UNMARKED}),)
    if (told.text, tuple(file.id for file in told.files)) == (known.text, known.files):
        return ()
    body = {"channel": told.channel, "ts": told.ts, "text": told.text, "files": [file.facts for file in files]}
    return (Draft(Kind.MESSAGE_EDITED, body, told.edited_at, told.author),)


def deletion(known: Picked | None, channel: str, ts: str) -> tuple[Draft, ...]:
    """Give what tells that a message was deleted; the chat does not say by whom."""
    if known is None or known.blank or not known.on:
        return ()
    return (Draft(Kind.MESSAGE_REMOVED, {"channel": channel, "ts": ts, "why": _DELETED}, None, FIRSTFIVE),)


def _put(told: ChatMessage, how: str, by: str, files: Sequence[KeptFile]) -> Draft:
    body = {
        "channel": told.channel,
        "ts": told.ts,
        "thread_ts": told.thread_ts,
        "text": told.text,
        "permalink": told.permalink,
        "how": how,
        "by": by,
        "files": [file.facts for file in files],
    }
    return Draft(Kind.MESSAGE, body, said_at(told.ts), told.author)


_APPLY = {Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED}


def _apply(known: Picked, entry: Entry) -> Picked:
    facts = entry.facts
    if entry.kind == Kind.MESSAGE_REMOVED:
        return replace(known, on=False)
    files = tuple(str(file["id"]) for file in facts["files"])
    how = facts["how"] if entry.kind == Kind.MESSAGE else known.how
    return replace(known, text=facts["text"], files=files, how=how, on=True)
