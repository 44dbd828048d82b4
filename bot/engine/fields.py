"""What a verb's params model says about each of them: how it is typed, and what a form would ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic.fields import FieldInfo

from bot.domain.incident import Severity
from bot.domain.service import Catalog
from bot.engine.playbook import Playbook


class Word(Enum):
    """How a param of type str is typed."""

    REST = "TEXT..."
    SERVICE = "SERVICE"
    MENTION = "@somebody"
    HOLDER = "@somebody|none"
    INCIDENT = "INC-7"
    MOMENT = "=HH:MM"
    DAY = "=YYYY-MM-DD"
    KEYED = "=..."
    SPAN = "30m"
    WITHIN = "=30m"
    SAID = "=TEXT"
    FILE = "=PATH"
    LOCAL = "=FOLDER"
    """Of the machine that it is typed on: for the command line alone, so neither a form nor a usage asks for it."""
    TEAM = "team"
    WARNINGS = ""


Rest = Annotated[str, Word.REST]
ServiceName = Annotated[str, Word.SERVICE]
Mention = Annotated[str, Word.MENTION]
Holder = Annotated[str, Word.HOLDER]
IncidentName = Annotated[str, Word.INCIDENT]
Moment = Annotated[str, Word.MOMENT]
Day = Annotated[str, Word.DAY]
Keyed = Annotated[str, Word.KEYED]
Span = Annotated[str, Word.SPAN]
Within = Annotated[str, Word.WITHIN]
Said = Annotated[str, Word.SAID]
File = Annotated[str, Word.FILE]
Local = Annotated[str, Word.LOCAL]
TeamName = Annotated[str, Word.TEAM]
Warnings = Annotated[tuple[str, ...], Word.WARNINGS]


class Ask(Enum):
    """How a form asks for a param."""

    LINE = "a line of text"
    TEXT = "several lines of text"
    CHOICE = "one of some words"
    PERSON = "somebody"
    DAY = "a day"
    YES = "yes or nothing"


@dataclass(frozen=True)
class Question:
    """One field of a verb's form. `initial` is what it holds before anybody has typed."""

    name: str
    label: str
    ask: Ask
    required: bool
    hint: str = ""
    choices: tuple[str, ...] = ()
    initial: str = ""


_HIDDEN = {Word.KEYED, Word.LOCAL, Word.WARNINGS}
_ASKED = {Word.MENTION: Ask.PERSON, Word.HOLDER: Ask.PERSON, Word.DAY: Ask.DAY}
_HINTS = {
    Word.MOMENT: "HH:MM, UTC",
    Word.SPAN: "30m, 2h or 1d",
    Word.WITHIN: "30m, 2h or 1d",
    Word.INCIDENT: "INC-7",
}


def marker(info: FieldInfo) -> Word | None:
    """Give how a param is typed; None when its type says it all."""
    return next((part for part in info.metadata if isinstance(part, Word)), None)


def bare(info: FieldInfo) -> Any:
    """Give the type of a param without `| None`."""
    parts = [part for part in getattr(info.annotation, "__args__", ()) if part is not type(None)]
    return parts[0] if parts and not isinstance(info.annotation, type) else info.annotation


def choices(info: FieldInfo, catalog: Catalog) -> tuple[str, ...]:
    """Give the words that a param can be, as people type them; none when it can be anything."""
    if marker(info) is Word.SERVICE:
        return catalog.names
    return tuple(value.lower() for value in _values(info))


def questions(playbook: Playbook, catalog: Catalog, given: Mapping[str, Any]) -> tuple[Question, ...]:
    """Give what a form asks, `given` filled in already: what must be said first, then the words, then the rest."""
    fields = playbook.params.model_fields
    asked = [(name, info) for name, info in fields.items() if marker(info) not in _HIDDEN]
    asked.sort(key=lambda each: 0 if each[1].is_required() else 1 if marker(each[1]) is Word.REST else 2)
    return tuple(_question(name, info, catalog, given.get(name)) for name, info in asked)


def _question(name: str, info: FieldInfo, catalog: Catalog, given: Any) -> Question:
    word, among = marker(info), catalog.names if marker(info) is Word.SERVICE else _values(info)
    if word is Word.TEAM:
        among = tuple(plan.team for plan in catalog.digests)
    default = None if info.is_required() else info.default
    if default is None and bare(info) is Severity and not info.is_required():
        default = catalog.default_severity
    return Question(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        ask=_ask(info, among),
        required=info.is_required(),
        hint=info.description or (_HINTS.get(word, "") if word else ""),
        choices=among,
        initial=_initial(given if given not in {None, ""} else default),
    )


def _ask(info: FieldInfo, among: tuple[str, ...]) -> Ask:
    word = marker(info)
    if among:
        return Ask.CHOICE
    if word is Word.REST:
        return Ask.TEXT if info.is_required() else Ask.LINE
    if word is None:
        return Ask.YES if bare(info) is bool else Ask.LINE
    return _ASKED.get(word, Ask.LINE)


def _initial(value: Any) -> str:
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value.value if isinstance(value, Enum) else value)


def _values(info: FieldInfo) -> tuple[str, ...]:
    kind = bare(info)
    return tuple(str(member.value) for member in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()
