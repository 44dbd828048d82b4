"""Reads a log line: when it was written and by whom, of which span, and whether it tells of a failure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from bot.domain.narrative import legible
from bot.domain.trace.names import FROM_ITS_BEGINNING, KINDS, Names

LONGEST = 300
"""Letters of a message that a chain keeps; the line itself is kept whole beside it."""
UNKNOWN = "unknown service"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BAD = re.compile(r"(?i)err(?:or)?|crit(?:ical)?|fatal|panic|dpanic|alert|emerg(?:ency)?|severe")
_BAD_NUMBER = 50
"""From here on the numbers of pino and bunyan tell of errors."""
_FAILED, _BEYOND = 500, 600
_MOST_SHAPES = 512
_NO_SPAN = frozenset({"", "0", "0000000000000000"})
# From which number on a time since 1970 counts in which unit: seconds of now have ten digits.
_UNITS = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
# More digits than a date has: `fromisoformat` takes the milliseconds of now for a day of the year 1712.
_COUNTED = re.compile(r"[0-9]{9,}(?:\.[0-9]+)?")
_LONGEST_US = 1e18
_LENGTH = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?(?:([\d.]+)(?:us|µs))?(?:([\d.]+)ns)?")
_PARTS = (3.6e9, 6e7, 1e6, 1e3, 1.0, 1e-3)
_MILLI, _MICRO, _NANO, _WHOLE = 1e3, 1.0, 1e-3, 1e6
_ENDINGS = {"ms": _MILLI, "millis": _MILLI, "us": _MICRO, "micros": _MICRO, "ns": _NANO, "nanos": _NANO}
_ENDINGS |= {"s": _WHOLE, "seconds": _WHOLE}
_SPLIT = re.compile(r"[_.]|(?<=[a-z])(?=[A-Z])")


class Line(NamedTuple):
    """A line: `at` when it was written, `begins` when what it tells of began (earlier where it tells a duration).

    Times are whole microseconds since 1970 UTC. `span` and `parent` are "" where it tells none, `status` is 0.
    """

    at: int
    begins: int
    service: str
    host: str
    span: str
    parent: str
    level: str
    message: str
    operation: str
    status: int
    failed: bool
    place: str


class Reader:
    """Reads lines by their names; by which of them is looked up once for each shape: a trace's lines have few."""

    def __init__(self, names: Names) -> None:
        self._names = {kind: getattr(names, kind) for kind in KINDS}
        self._known = frozenset(name for kind in self._names.values() for name in kind)
        self._shapes: dict[tuple[str, ...], Names] = {}

    def read(self, document: Mapping[str, Any]) -> Line | None:
        """Read a line; None when it does not tell when it was written."""
        flat = dict(_flat(document))
        names = self._there(flat)
        at = moment(_first(flat, names.at))
        if at is None:
            return None
        took = _took(flat, names.duration)
        if not FROM_ITS_BEGINNING.isdisjoint(names.duration):
            at += took
        level, status = _word(flat, names.level, 20), _number(flat, names.status)
        failed = _is_bad(level) or _FAILED <= status < _BEYOND or _word(flat, names.outcome, 20).lower() == "failure"
        span, parent = _word(flat, names.span, 40).lower(), _word(flat, names.parent, 40).lower()
        return Line(
            at,
            at - took,
            _word(flat, names.service, 80) or UNKNOWN,
            _word(flat, names.host, 80),
            "" if span in _NO_SPAN else span,
            "" if parent in _NO_SPAN else parent,
            level,
            _word(flat, names.message, LONGEST),
            _word(flat, names.operation, 80),
            status,
            failed,
            _word(flat, names.place, 40),
        )

    def _there(self, flat: Mapping[str, Any]) -> Names:
        """Give the names that a line has; each keeps its place."""
        known = self._known
        shape = tuple([name for name in flat if name in known])
        found = self._shapes.get(shape)
        if found is None:
            found = Names(**{kind: tuple(name for name in own if name in flat) for kind, own in self._names.items()})
            if len(self._shapes) < _MOST_SHAPES:
                self._shapes[shape] = found
        return found


def read(document: Mapping[str, Any], names: Names) -> Line | None:
    """Read one line by itself."""
    return Reader(names).read(document)


def moment(value: Any) -> int | None:
    """Give microseconds since 1970 of a time: ISO 8601, or a number of s, ms, us or ns; None when it is none."""
    if isinstance(value, str) and not _COUNTED.fullmatch(value):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e20:  # noqa: PLR2004 - as ns
        return None
    return round(value * next(unit for least, unit in _UNITS if value >= least))


def length(value: Any, name: str) -> int | None:
    """Give microseconds of a duration: as Go writes it, or a number whose unit the name ends with; None if unknown."""
    if isinstance(value, str):
        match = _LENGTH.fullmatch(value.strip())
        if match and any(match.groups()):
            try:
                us = sum(float(part or 0) * unit for part, unit in zip(match.groups(), _PARTS, strict=True))
            except ValueError:
                return None
            return round(us) if us < _LONGEST_US else None
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:  # noqa: PLR2004 - as ns
        return None
    last = _SPLIT.split(name)[-1].lower()
    unit = 1e-3 if name == "event.duration" else _ENDINGS.get(last)
    return None if unit is None else round(value * unit)


def _flat(document: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            if depth < 6:  # noqa: PLR2004 - deeper than any shape of log lines
                yield from _flat(value, f"{before}{key}.", depth + 1)
        elif value is not None:
            yield before + str(key), value


def _first(flat: Mapping[str, Any], names: Sequence[str]) -> Any:
    return flat[names[0]] if names else None


def _word(flat: Mapping[str, Any], names: Sequence[str], most: int) -> str:
    value = _first(flat, names)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None:
        return ""
    text = str(value)[: 4 * most]
    # Ids and names of services are one plain word: nothing is to be taken out of them.
    is_plain = " " not in text and text.isascii() and text.isprintable()
    return (text if is_plain else legible(" ".join(text.split())))[:most]


def _number(flat: Mapping[str, Any], names: Iterable[str]) -> int:
    """Give a number; 0 where there is none: `status` is a word in some lines."""
    for name in names:
        text = str(flat[name])
        if text.isascii() and text.isdigit() and len(text) <= 3:  # noqa: PLR2004 - a status of HTTP
            return int(text)
    return 0


def _took(flat: Mapping[str, Any], names: Iterable[str]) -> int:
    told = (length(flat[name], name) for name in names)
    return next((each for each in told if each is not None), 0)


@lru_cache(maxsize=256)
def _is_bad(level: str) -> bool:
    return int(level) >= _BAD_NUMBER if level.isascii() and level.isdigit() else bool(_BAD.fullmatch(level))
