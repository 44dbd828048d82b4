"""The last lines of a service's own log: cut to what a person reads, without secrets, and counted."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.errors import FirstFiveError
from bot.domain.panics import Panic, last_panic
from bot.domain.redaction import redact

MAX_LINES = 200
MAX_BYTES = 64 * 1024
MAX_LINE = 2_000
"""Signs of one line that are kept."""
BEFORE_BYTES = 16 * 1024
"""Read before what is kept, so that a secret that begins there (a key of many lines) is known for one."""
WINDOW_BYTES = MAX_BYTES + BEFORE_BYTES
MAX_STRANGE = 0.1
"""Of the signs: a text has line breaks, tabs and colours, and no other control signs."""
CUT = "…"


class LogUnreadable(FirstFiveError):
    """A file holds no lines that a person can read; says why."""


@dataclass(frozen=True)
class LogSummary:
    """How many of a log's last lines tell of errors, warnings, and of something that took too long; the last panic."""

    lines: int
    errors: int = 0
    warnings: int = 0
    timeouts: int = 0
    panic: Panic | None = None

    def __str__(self) -> str:
        named = ((self.errors, "error"), (self.warnings, "warning"), (self.timeouts, "timeout"))
        told = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in named if count]
        return f"{', '.join(told) or 'no error, warning or timeout'} in the last {self.lines} lines"


def last_lines(window: bytes, *, whole: bool) -> str:
    """Give the last lines of a file by its last WINDOW_BYTES, redacted; `whole`: the file has no more than these.

    What a line that begins before the window says is left out up to a blank, as a secret cut in two is not known.

    :raises LogUnreadable: it is not text.
    """
    text = _printable(window.lstrip(b"\0"))  # copytruncate leaves a hole in front
    if not whole:
        first, _, rest = text.partition("\n")
        text = rest if rest.strip() else CUT + first.partition(" ")[2]
    lines = [line.rstrip() for line in _without_key(redact(text).split("\n")) if line.strip()]
    kept: list[str] = []
    size = 0
    for line in reversed(lines[-MAX_LINES:]):
        short = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}{CUT}"
        size += len(short.encode()) + 1
        if size > MAX_BYTES:
            break
        kept.append(short)
    return "".join(line + "\n" for line in reversed(kept))


def beyond(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], bool]:
    """Give the lines that a log has got between two readings of its end, and whether nothing can be missing there.

    Both are last lines as `last_lines` gives them; the last of the one before may have been half written.
    """
    for start in range(len(before)):
        kept, shared = before[start:], after[: len(before) - start]
        if kept == shared:
            return list(after[len(shared) :]), True
        # By the beginning of its last line alone a log is known only where it had no other.
        if kept[:-1] == shared[:-1] and (len(kept) > 1 or not start) and "".join(shared[-1:]).startswith(kept[-1]):
            return list(after[len(shared) - 1 :]), True
    is_full = len(after) >= MAX_LINES or sum(len(line.encode()) + 1 for line in after) > MAX_BYTES - 4 * MAX_LINE
    return list(after), not before and not is_full


def _printable(window: bytes) -> str:
    """Give text without colours and control signs: no secret hides behind them.

    :raises LogUnreadable: too much of it is no text.
    """
    text = _COLOUR.sub("", window.decode("utf-8", "replace"))
    clean = "".join(sign if sign.isprintable() or sign in "\n\t" else " " for sign in text)
    strange = sum(sign not in {" ", "\r"} and new == " " for sign, new in zip(text, clean, strict=True))
    if "\0" in text or strange + text.count("\ufffd") > MAX_STRANGE * len(text):
        raise LogUnreadable("it is not text")
    return clean


def _without_key(lines: Iterable[str]) -> list[str]:
    """Take out the rest of a private key whose beginning was not read: what is left of its lines before its end."""
    kept: list[str] = []
    for line in lines:
        if not _KEY_END.search(line):
            kept.append(line)
            continue
        while kept and _KEY_LINE.fullmatch(kept[-1]):
            kept.pop()
        kept.append("[redacted:private-key]")
    return kept


def summarise(text: str) -> LogSummary:
    """Count lines of a log by what they tell: by their level where one is named, else by the word they begin with."""
    lines = text.splitlines()
    levels = [_level(line) for line in lines]
    return LogSummary(
        len(lines),
        levels.count("error"),
        levels.count("warning"),
        sum(bool(_TIMEOUT.search(line)) for line in lines),
        last_panic(text),
    )


def _level(line: str) -> str:
    found = _LEVEL.search(line) or _WORD.search(line[:_HEAD]) or _KLOG.match(line)
    return _WORDS.get(found[1].lower(), "") if found else ""


_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{0,100}")
_LEVEL = re.compile(r"(?:^|[\s{,\"'])(?:level|lvl|severity)[\"']?\s?[=:]\s?[\"']?([A-Za-z]{1,12})", re.IGNORECASE)
_WORD = re.compile(
    r"(?:^|[\s\[(|<])(ERROR|ERRO|FATAL|PANIC|CRITICAL|WARN|WARNING|error|fatal|panic|warning)(?=[\s\]):|>]|$)"
)
_KLOG = re.compile(r"([EFW])\d{4} ")
_HEAD = 80
"""Signs at the beginning of a line in which loggers put the level."""
_WORDS = {
    **dict.fromkeys(
        ("error", "erro", "err", "fatal", "panic", "dpanic", "critical", "alert", "emergency", "e", "f"), "error"
    ),
    **dict.fromkeys(("warn", "warning", "w"), "warning"),
}
_TIMEOUT = re.compile(
    r"deadline exceeded|timed[ -]out|(?<![\w.-])time-?out(?!\"\s?:|=|\w)|Client\.Timeout exceeded", re.IGNORECASE
)
