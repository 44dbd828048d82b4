"""Words typed after `/incident` -> a playbook and its params; and the other way round, usage from the params."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from bot.domain.errors import CommandRejected, WordsMissing
from bot.domain.incident import Severity
from bot.domain.service import Catalog
from bot.domain.timeline import storable
from bot.engine.fields import Word, bare, choices, marker
from bot.engine.playbook import Playbook, Registry, closest

_TOKEN = re.compile(r'(?P<key>[a-z_]+)=(?:"(?P<quoted>[^"]*)"|(?P<bare>\S*))|\S+')
_INCIDENT = re.compile(r"INC-\d{1,9}", re.IGNORECASE)
_SEVERITY_LIKE = re.compile(r"(?:sev|s|p)[-_]?(\d+|[a-z])", re.IGNORECASE)
_SPAN = re.compile(r"(\d{1,4})\s*(m|min|h|d|)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "\u00a0": " "})
_LONGEST = 8_000
_NAMED = {Word.MOMENT, Word.DAY, Word.KEYED, Word.WITHIN, Word.SAID, Word.FILE, Word.LOCAL}
_UNTYPED = {Word.LOCAL, Word.WARNINGS}
_NEVER_LEADING = {Word.REST, Word.WARNINGS, Word.INCIDENT, *_NAMED}
_EXAMPLE: Mapping[Any, str] = {bool: "yes", int: "N", float: "N"}


@dataclass(frozen=True)
class Parsed:
    """What the words ask for. `incident_id` when they name one."""

    playbook: str
    params: Mapping[str, Any]
    incident_id: str = ""


@dataclass
class _Reading:
    """The state of reading one command's words."""

    fields: Mapping[str, FieldInfo]
    catalog: Catalog
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    incident_id: str = ""


def parse(registry: Registry, text: str, catalog: Catalog) -> Parsed:
    """Read the words after the slash command.

    :raises CommandRejected: no such verb, or its words are wrong; the message says what would be right.
    """
    words = storable(text).translate(_QUOTES).strip()[:_LONGEST]
    verb, rest = _cut(words)
    playbook = registry.get(verb.lower() or "help")
    if playbook is None:
        raise CommandRejected(_unknown(registry, verb))
    reading = _Reading(playbook.params.model_fields, catalog)
    remainder = _take_keys(reading, rest)
    remainder = _take_leading(reading, remainder)
    _take_rest(playbook, reading, remainder)
    _require(playbook, reading)
    return Parsed(playbook.name, reading.values, reading.incident_id)


def usage(playbook: Playbook) -> str:
    """Give the words a verb takes: `/incident start [sev1|sev2|sev3|sev4] [SERVICE] [TITLE...]`."""
    told = {name: info for name, info in playbook.params.model_fields.items() if marker(info) not in _UNTYPED}
    words = [_word(name, info) for name, info in told.items()]
    return " ".join(["/incident", playbook.name, *words])


def flaws(playbook: Playbook, values: Mapping[str, str], catalog: Catalog, now: datetime) -> dict[str, str]:
    """Say what is wrong with the values of a form, by param; what only the engine can tell is not among it."""
    readers: Mapping[Word | None, Callable[[str], object]] = {
        Word.MOMENT: lambda text: moment(text, now),
        Word.DAY: lambda text: day(text, now),
        Word.SPAN: span,
        Word.WITHIN: span,
    }
    found: dict[str, str] = {}
    for name, value in values.items():
        info = playbook.params.model_fields.get(name)
        if info is None:
            continue
        try:
            readers.get(marker(info), str)(value)
            if _accept(info, value, catalog) is None:
                found[name] = _wrong(name, info, value, catalog)
        except CommandRejected as rejected:
            found[name] = str(rejected)
    return found


def moment(text: str, now: datetime) -> datetime:
    """Read a time of day (UTC) as the latest such moment that has passed, or an ISO time with its offset.

    :raises CommandRejected: it is neither.
    """
    match = _CLOCK.fullmatch(text.strip())
    try:
        if match is None:
            at = datetime.fromisoformat(text.strip())
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        hour, minute, second = (int(part or 0) for part in match.groups())
        at = now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)
    except (ValueError, OverflowError):
        raise CommandRejected(f"{text[:40]!r} is not a time. Write HH:MM (UTC), for instance {now:%H:%M}.") from None
    return at if at <= now else at - timedelta(days=1)


def span(text: str) -> timedelta:
    """Read a length of time: `90`, `90m`, `2h`, `1d`; a bare number counts minutes.

    :raises CommandRejected: it is none.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise CommandRejected(f"{text[:40]!r} is not a length of time. Write 30m, 2h or 1d.")
    unit = {"h": "hours", "d": "days"}.get(match[2][:1], "minutes")
    return timedelta(**{unit: int(match[1])})


def day(text: str, now: datetime) -> date:
    """Read a day: `2026-11-30`, or `7d` for so many days from today (UTC).

    :raises CommandRejected: it is none.
    """
    try:
        ahead = re.fullmatch(r"(\d{1,3})d", text.strip())
        return now.date() + timedelta(days=int(ahead[1])) if ahead else date.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        example = now.date() + timedelta(days=7)
        raise CommandRejected(f"{text[:40]!r} is not a day. Write due={example}, or due=7d.") from None


def _cut(text: str) -> tuple[str, str]:
    """Give the first word and the rest, whose lines stay as they are."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, "".join(rest)


def _unknown(registry: Registry, verb: str) -> str:
    meant = closest(verb, tuple(registry))
    hint = f"Did you mean `/incident {meant}`? " if meant else ""
    shown = verb if len(verb) <= 40 else f"{verb[:39]}…"  # noqa: PLR2004 - fits a line on a phone
    return f"I don't know `{shown}`. {hint}`/incident help` lists every verb."


def _take_keys(reading: _Reading, text: str) -> str:
    """Take `key=value` words of known keys from anywhere; give what is left."""
    kept, end = [], 0
    for match in _TOKEN.finditer(text):
        key = match["key"]
        value = match["quoted"] if match["quoted"] is not None else match["bare"]
        if key == "incident":
            reading.incident_id = value.upper()
        elif key in reading.fields:
            reading.values[key] = _keyed(reading, key, value)
        else:
            continue
        kept.append(text[end : match.start()])
        end = match.end()
    return "".join([*kept, text[end:]]).strip()


def _keyed(reading: _Reading, key: str, value: str) -> Any:
    info = reading.fields[key]
    accepted = _accept(info, value, reading.catalog)
    if accepted is not None:
        return accepted
    if "warnings" in reading.fields:
        reading.warnings.append(_wrong(key, info, value, reading.catalog))
        return info.default
    raise CommandRejected(_wrong(key, info, value, reading.catalog))


def _take_leading(reading: _Reading, text: str) -> str:
    """Give each leading word to the first free param that accepts it, in any order; stop at the first nobody wants."""
    while text:
        word, rest = _cut(text)
        if _take_incident(reading, word):
            pass
        elif "warnings" in reading.fields and "severity" not in reading.values and _is_bad_severity(word):
            reading.warnings.append(_wrong("severity", reading.fields["severity"], word, reading.catalog))
        elif not _take_word(reading, word):
            return text
        text = rest
    return text


def _take_incident(reading: _Reading, word: str) -> bool:
    """Take the name of an incident: for the param that wants one, else as what the command is about.

    The param's own name may stand between the two: `merge INC-9 into INC-3`.
    """
    wants = next((name for name, info in reading.fields.items() if marker(info) is Word.INCIDENT), "")
    if wants and word.lower() == wants:
        reading.incident_id = reading.incident_id or reading.values.pop(wants, "")
        return True
    if not _INCIDENT.fullmatch(word):
        return False
    if wants and not reading.values.get(wants):
        reading.values[wants] = word.upper()
    elif not reading.incident_id:
        reading.incident_id = word.upper()
    else:
        return False
    return True


def _take_word(reading: _Reading, word: str) -> bool:
    has_text = any(marker(info) is Word.REST for info in reading.fields.values())
    for name, info in reading.fields.items():
        if name in reading.values or marker(info) in _NEVER_LEADING:
            continue
        if bare(info) is bool:
            # Where text follows, "no answers from checkout" is text; elsewhere the name alone says yes.
            if has_text:
                continue
            word = "yes" if word.lower() == name else word
        accepted = _accept(info, word, reading.catalog)
        if accepted is not None:
            reading.values[name] = accepted
            return True
    return False


def _take_rest(playbook: Playbook, reading: _Reading, text: str) -> None:
    """Give what is left to the text param; find a service named in it; refuse words nobody takes."""
    rest = next((name for name, info in reading.fields.items() if marker(info) is Word.REST), "")
    if rest and text:
        given = reading.values.get(rest)
        reading.values[rest] = f"{given} {text}" if given else text
    elif text:
        _refuse_word(playbook, reading, text.split(maxsplit=1)[0])
    if "warnings" in reading.fields:
        _find_service(reading, text)
        reading.values["warnings"] = tuple(reading.warnings)


def _find_service(reading: _Reading, text: str) -> None:
    """Read a service's name anywhere in the text of a lenient verb, or say which one was probably meant."""
    if reading.values.get("service"):
        return
    words = re.findall(r"[\w.-]+", text.lower())
    named = [name for name in reading.catalog.names if name.lower() in words]
    if len(named) == 1:
        reading.values["service"] = named[0]
    elif words and not named:
        meant = closest(words[0], reading.catalog.names, alike=0.75)
        if meant:
            reading.warnings.append(f"No service is named `{words[0]}`. Did you mean `{meant}`?")


def _refuse_word(playbook: Playbook, reading: _Reading, word: str) -> None:
    """Say which param it may have been meant for: the only one with a choice, or one of whose choices it is nearly."""
    free = {name: choices(info, reading.catalog) for name, info in reading.fields.items() if name not in reading.values}
    chosen = [name for name, among in free.items() if among]
    meant = [name for name in chosen if len(chosen) == 1 or closest(word, free[name])]
    if meant:
        raise CommandRejected(_wrong(meant[0], reading.fields[meant[0]], word, reading.catalog))
    raise CommandRejected(f"I don't know what to do with `{word[:40]}`. Usage: `{usage(playbook)}`")


def _require(playbook: Playbook, reading: _Reading) -> None:
    for name, info in reading.fields.items():
        if info.is_required() and reading.values.get(name) in {None, ""}:
            needs = _needs(name, info, reading.catalog)
            said = f"`{playbook.name}` needs {needs}. Usage: `{usage(playbook)}`"
            if marker(info) is Word.KEYED:  # no person's to say
                raise CommandRejected(said)
            raise WordsMissing(said, playbook.name, reading.values, reading.incident_id)


def _needs(name: str, info: FieldInfo, catalog: Catalog) -> str:
    among = choices(info, catalog)
    return f"{_a(name)} ({', '.join(among)})" if among else _a(name)


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _accept(info: FieldInfo, word: str, catalog: Catalog) -> Any:
    """Give the value a word has for a param, or None if it is not for it."""
    how = marker(info)
    if how is Word.SERVICE:
        return next((name for name in catalog.names if name.lower() == word.lower()), None)
    if how in {Word.MENTION, Word.HOLDER}:
        is_word = word.lower() in ({"me", "none"} if how is Word.HOLDER else {"me"})
        return word if is_word or word.startswith(("@", "<@")) else None
    if how is Word.INCIDENT:
        return word.upper() if _INCIDENT.fullmatch(word) else None
    if how in {Word.SPAN, Word.WITHIN}:
        return word if _SPAN.fullmatch(word.lower()) else None
    if how is Word.REST or how in _NAMED:
        return word or None
    return _accept_type(bare(info), word)


def _accept_type(kind: Any, word: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        wanted = re.sub(r"^sev[-_]?(?=\d$)|^s(?=\d$)", "sev", word.lower()) if kind is Severity else word.lower()
        return next((member.value for member in kind if str(member.value).lower() == wanted), None)
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(word.lower())
    if kind in {int, float}:
        return kind(word) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?" if kind is float else r"\d{1,9}", word) else None
    return word if kind is str else None


def _is_bad_severity(word: str) -> bool:
    return bool(_SEVERITY_LIKE.fullmatch(word)) and _accept_type(Severity, word) is None


def _wrong(name: str, info: FieldInfo, value: str, catalog: Catalog) -> str:
    if marker(info) in {Word.SPAN, Word.WITHIN}:
        return f"`{value[:40]}` is not a length of time. Write {name}=30m, {name}=2h or {name}=1d."
    among = choices(info, catalog)
    meant = closest(value, among, alike=0.8)
    hint = f" Did you mean `{meant}`?" if meant else ""
    one_of = f" It is one of {', '.join(among)}." if among else ""
    return f"`{value[:40]}` is not {_a(name)}.{hint}{one_of}"


def _word(name: str, info: FieldInfo) -> str:
    how, kind = marker(info), bare(info)
    if how is Word.REST:
        word = f"{name.upper()}..."
    elif how is not None and how in _NAMED:
        word = f"{name}{how.value}"
    elif how is not None:
        word = how.value
    elif isinstance(kind, type) and issubclass(kind, Enum):
        word = "|".join(str(member.value).lower() for member in kind)
    else:
        word = f"{name}={_EXAMPLE.get(kind, 'WORD')}"
    return word if info.is_required() else f"[{word}]"
