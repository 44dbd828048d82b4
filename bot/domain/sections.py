"""The sections of a postmortem, and what people write into them: versioned beside what is generated, never over it.

All of it is plain text that may hold what anybody typed; whoever renders it must escape it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from bot.domain.timeline import Entry, Kind

_ITEM = re.compile(r"[-*•][ \t]+(?P<text>.*)")
_STEP = re.compile(r"\d{1,3}[.)][ \t]+(?P<text>.*)")
_FENCE = "```"
LONGEST = 7_000
"""Characters of a text: of any alphabet they fit into a form."""


class SectionId(StrEnum):
    """What a section is called where it is named: in a command, an address, a template."""

    SUMMARY = "summary"
    IMPACT = "impact"
    TIMELINE = "timeline"
    DETECTION = "detection"
    RESPONSE = "response"
    RECOVERY = "recovery"
    CAUSE = "cause"
    WELL = "well"
    BADLY = "badly"
    LUCK = "luck"
    ACTIONS = "actions"
    APPENDIX = "appendix"


TITLES = {
    SectionId.SUMMARY: "Summary",
    SectionId.IMPACT: "Impact",
    SectionId.TIMELINE: "Timeline",
    SectionId.DETECTION: "Detection",
    SectionId.RESPONSE: "Response",
    SectionId.RECOVERY: "Recovery",
    SectionId.CAUSE: "Cause",
    SectionId.WELL: "What went well",
    SectionId.BADLY: "What went badly",
    SectionId.LUCK: "Where we got lucky",
    SectionId.ACTIONS: "Action items",
    SectionId.APPENDIX: "Appendix",
}
"""The sections in their order, and their headings."""


class Shape(StrEnum):
    """How a piece of somebody's text is set."""

    TEXT = "text"
    LIST = "list"
    STEPS = "steps"
    CODE = "code"


@dataclass(frozen=True)
class Piece:
    """A paragraph, a list or a piece of code; a list has an item a line."""

    shape: Shape
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """What somebody wrote into a section. `version` counts its texts from 1; `seq` is its entry; "" takes it away."""

    section: SectionId
    version: int
    seq: int
    at: datetime
    by: str
    text: str

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Give the text as what it is made of."""
        return pieces(self.text)


@dataclass(frozen=True)
class Section:
    """A part of a postmortem. `text` is what people have written into it, beside what is generated."""

    id: SectionId
    title: str
    text: Text | None


def sections(entries: Iterable[Entry]) -> tuple[Section, ...]:
    """Give every section in its order, with the latest text that people gave it."""
    last = {each.section: each for each in texts(entries)}
    written = {section: text for section, text in last.items() if text.text}
    return tuple(Section(each, title, written.get(each)) for each, title in TITLES.items())


def texts(entries: Iterable[Entry]) -> tuple[Text, ...]:
    """Give all that people wrote, the oldest first; a blanked text is gone, and the one before it counts again."""
    found: list[Text] = []
    counted = dict.fromkeys(SectionId, 0)
    for entry in entries:
        if entry.kind == Kind.POSTMORTEM_TEXT and entry.body is not None:
            section = SectionId(entry.facts["section"])
            counted[section] += 1
            text = str(entry.facts["text"])
            found.append(Text(section, counted[section], entry.seq, entry.at, entry.actor_name, text))
    return tuple(found)


def latest(entries: Iterable[Entry], section: SectionId) -> Text | None:
    """Give the last text of a section, be it empty: what somebody who changes it must have seen."""
    return next((each for each in reversed(texts(entries)) if each.section is section), None)


def pieces(text: str) -> tuple[Piece, ...]:
    """Read somebody's text: paragraphs, lists (`- `, `1. `) and code (between lines of three backticks)."""
    found: list[Piece] = []
    loose: list[str] = []
    code: list[str] | None = None
    for row in text.splitlines():
        if row.strip().startswith(_FENCE):
            found += _loose(loose) if code is None else [Piece(Shape.CODE, tuple(code))]
            loose, code = [], [] if code is None else None
        else:
            (loose if code is None else code).append(row)
    return (*found, *_loose(loose), *([Piece(Shape.CODE, tuple(code))] if code else []))


def _loose(rows: Sequence[str]) -> list[Piece]:
    """Read what is no code: rows of a kind that follow each other belong together."""
    grouped = groupby((_row(row.strip()) for row in rows), key=lambda row: row[0])
    return [Piece(shape, tuple(text for _, text in group)) for shape, group in grouped if shape is not None]


def _row(row: str) -> tuple[Shape | None, str]:
    """Give what kind of row it is, and its words; an empty one is of none."""
    for shape, form in ((Shape.LIST, _ITEM), (Shape.STEPS, _STEP)):
        if found := form.fullmatch(row):
            return shape, found["text"]
    return (Shape.TEXT if row else None), row
