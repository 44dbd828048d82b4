"""Actions that a service's configuration offers: restart one target, drain it, scale, switch a flag off.

An action is a program with its arguments, or an address that is told; values take the place of `{name}` in words.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import CommandRejected
from bot.domain.redaction import redact

PLAIN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
MUTATING = "mutating"
_LONGEST = 200
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class ActionParam:
    """A value that an action takes: one of `choices`, or what matches `pattern`; with no `default` it must be given."""

    name: str
    choices: tuple[str, ...] = ()
    pattern: str = PLAIN
    default: str | None = None

    def check(self, value: str) -> str:
        """Give a value that may be used.

        :raises CommandRejected: it may not; says what would be right.
        """
        if self.choices and value not in self.choices:
            raise CommandRejected(f"{self.name}={value[:40]!r} is not one of {', '.join(self.choices)}.")
        if not self.choices and not re.fullmatch(self.pattern, value):
            raise CommandRejected(f"{self.name}={value[:40]!r} does not match {self.pattern}.")
        # A pattern may be too lenient: what reads as an option would be another command.
        if value.startswith("-") or len(value) > _LONGEST or not value.isprintable():
            raise CommandRejected(f"{self.name}={value[:40]!r} begins with a dash, is too long or no plain text.")
        return value


@dataclass(frozen=True)
class ConfiguredAction:
    """One action of a service: `command` is a program and its arguments, or `url` is told of it by a POST.

    `danger`: what it can do to the service, read-only, intrusive or mutating. `repeatable`: whether it may be done
    again when whoever did it died meanwhile. `timeout_s`: seconds.
    """

    name: str
    summary: str
    command: tuple[str, ...] = ()
    url: str = ""
    params: tuple[ActionParam, ...] = ()
    timeout_s: float = 60.0
    repeatable: bool = True
    danger: str = MUTATING

    @property
    def is_mutating(self) -> bool:
        """Tell whether it changes something, so that a second person must agree."""
        return self.danger == MUTATING


@dataclass(frozen=True)
class Call:
    """An action with its values: what is executed. `key` is the same whenever it is repeated."""

    action: str
    service: str
    command: tuple[str, ...]
    url: str
    values: Mapping[str, str]
    timeout_s: float
    key: str

    @property
    def words(self) -> str:
        """Say it as one would type it, without what is secret in it."""
        if self.command:
            return redact(shlex.join(self.command))
        return " ".join([f"POST {redact(self.url)}", *(f"{name}={value}" for name, value in self.values.items())])


@dataclass(frozen=True)
class Done:
    """How a call ended: `ok`, in words (`exit code 0`, `HTTP 503`, `killed after 60 s`), and what it said."""

    ok: bool
    how: str
    output: bytes = b""


def read(words: str) -> dict[str, str]:
    """Read `key=value` words; quotes keep spaces together.

    :raises CommandRejected: a word is none, or a key comes twice.
    """
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise CommandRejected(f"The values cannot be read: {error}.") from None
    values: dict[str, str] = {}
    for part in parts:
        name, is_pair, value = part.partition("=")
        if not is_pair or not name:
            raise CommandRejected(f"{part[:40]!r} is not a value. Write name=value.")
        if name in values:
            raise CommandRejected(f"{name} is given twice.")
        values[name] = value
    return values


def call(action: ConfiguredAction, service: str, given: Mapping[str, str], key: str) -> Call:
    """Put values into an action.

    :raises CommandRejected: a value is missing, wrong, or not one of its params.
    """
    known = [param.name for param in action.params]
    if unknown := sorted(set(given) - set(known)):
        takes = ", ".join(known) or "no values"
        raise CommandRejected(f"{action.name} does not take {unknown[0][:40]!r}; it takes {takes}.")
    values = {}
    for param in action.params:
        value = given.get(param.name, param.default)
        if value is None:
            among = f" ({', '.join(param.choices)})" if param.choices else ""
            raise CommandRejected(f"{action.name} needs {param.name}=...{among}.")
        values[param.name] = param.check(value)
    return Call(action.name, service, filled(action.command, values), action.url, values, action.timeout_s, key)


def places(words: Sequence[str]) -> set[str]:
    """Name the values that words ask for."""
    return {name for word in words for name in _PLACE.findall(word)}


def filled(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Put values in their places; each word stays one word."""
    return tuple(_PLACE.sub(lambda found: values[found[1]], word) for word in words)
