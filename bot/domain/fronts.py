"""What stands between a service and its users: certificates, and caches with their headers.

Freshness is RFC 9111's: sections 4.2.1 (lifetime) and 4.2.3 (age), for a shared cache.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.domain.measures import duration
from bot.domain.service import Edge

_DIRECTIVE = re.compile(r'([A-Za-z][\w-]*)(?:=(?:"([^"]*)"|([^\s,]+)))?')
_REFUSED = 400
_UNCACHED = ("no-store", "no-cache", "private")


@dataclass(frozen=True)
class Certificate:
    """Until when a target's certificate is valid; None when it has none or could not be asked (`error`)."""

    target: str
    expires_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True)
class EdgeAnswer:
    """What one address answers for a path. Seconds; None where its headers do not tell."""

    address: str
    status: int | None = None
    cache_control: str = ""
    age_s: float | None = None
    lifetime_s: float | None = None
    version: str = ""
    cache: str = ""
    error: str = ""


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a path at one address. `grade` stands for how, `key` for what is wrong where."""

    key: str
    grade: str
    text: str


def read_answer(address: str, status: int, headers: Mapping[str, str], now: datetime) -> EdgeAnswer:
    """Read an answer's headers, whose names are in lower case. Never raises for what they hold."""
    control = headers.get("cache-control", "")
    date = _date(headers.get("date", ""))
    return EdgeAnswer(
        address=address,
        status=status,
        cache_control=control,
        age_s=_age(headers.get("age", ""), date, now),
        lifetime_s=_lifetime(directives(control), _date(headers.get("expires", "")), date),
        version=headers.get("etag") or headers.get("last-modified", ""),
        cache=headers.get("cf-cache-status") or headers.get("x-cache", ""),
    )


def directives(cache_control: str) -> dict[str, str]:
    """Give the directives of a Cache-Control header by name in lower case; those without a value have ""."""
    return {found[1].lower(): found[2] or found[3] or "" for found in _DIRECTIVE.finditer(cache_control)}


def flaws(edge: Edge, answers: Sequence[EdgeAnswer]) -> tuple[Flaw, ...]:
    """Give what is wrong with a path, address by address, and in what the addresses differ."""
    found = [flaw for answer in answers for flaw in _flaws(edge, answer)]
    versions = {answer.version for answer in answers if answer.version}
    if len(versions) > 1:
        told = ", ".join(f"{answer.address} {answer.version[:40]}" for answer in answers if answer.version)
        found.append(Flaw(f"edge:{edge.url}:versions", "differ", f"{edge.url} is not the same everywhere: {told}"))
    return tuple(found)


def _flaws(edge: Edge, answer: EdgeAnswer) -> list[Flaw]:
    where, key = f"{edge.url} at {answer.address}", f"edge:{edge.url}:{answer.address}"
    if answer.status is None:
        return [Flaw(key, "no answer", f"{where} gives no answer: {answer.error}")]
    if answer.status >= _REFUSED:
        return [Flaw(key, f"status {answer.status}", f"{where} answers {answer.status}")]
    found = []
    missing = _missing(edge.cache_control, answer.cache_control)
    if missing:
        has = f"`{answer.cache_control}`" if answer.cache_control else "no Cache-Control"
        found.append(Flaw(f"{key}:control", "headers", f"{where} lacks {', '.join(missing)}: it has {has}"))
    if (stale := _stale(edge, answer)) is not None:
        found.append(Flaw(f"{key}:age", "stale", f"{where} is {stale}"))
    return found


def _missing(wanted: str, given: str) -> list[str]:
    has = directives(given)
    return [
        f"{name}={value}" if value else name
        for name, value in directives(wanted).items()
        if name not in has or (value and has[name] != value)
    ]


def _stale(edge: Edge, answer: EdgeAnswer) -> str | None:
    age_s, lifetime_s = answer.age_s, answer.lifetime_s
    if age_s is None:
        return None
    old = duration(timedelta(seconds=age_s))
    if edge.max_age_s is not None and age_s > edge.max_age_s:
        return f"{old} old, {duration(timedelta(seconds=edge.max_age_s))} is allowed"
    # An uncached answer is as old as the clocks differ: that is no staleness.
    if lifetime_s and age_s > lifetime_s:
        return f"stale: {old} old, its own lifetime is {duration(timedelta(seconds=lifetime_s))}"
    return None


def _age(text: str, date: datetime | None, now: datetime) -> float | None:
    given = float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004 - a number
    apparent = max(0.0, (now - date).total_seconds()) if date is not None else None
    return given if given is not None else apparent


def _lifetime(given: Mapping[str, str], expires: datetime | None, date: datetime | None) -> float | None:
    if any(name in given for name in _UNCACHED):
        return 0.0
    for name in ("s-maxage", "max-age"):
        value = given.get(name, "")
        if value.isascii() and value.isdigit() and len(value) < 12:  # noqa: PLR2004 - as above
            return float(value)
    return max(0.0, (expires - date).total_seconds()) if expires and date else None


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
