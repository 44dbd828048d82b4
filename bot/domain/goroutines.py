"""Goroutine dumps (`debug=2`) counted and grouped by state and code, without reading a single argument.

Two goroutines are alike when their state and their `file:line` lines are: arguments, goroutine ids, wait times and
labels differ between any two and are left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.domain.profile import Profile
from bot.domain.stacks import Frame, waits_for

DUMP_LIMIT_BYTES = 64 * 1024 * 1024
"""The runtime cuts a dump here without a word (writeGoroutineStacks, runtime/pprof/pprof.go, Go 1.27)."""

MAX_GOROUTINES = 1_000_000
"""A dump of 64 MB holds about 335,000 of the smallest; bounds memory against a file of empty lines."""
MAX_LINES = 1024
"""Lines of one goroutine; the runtime prints at most 100 frames of two lines."""

MARK = b"goroutine "
ELIDED = b"frames elided"
HEADER = re.compile(rb"goroutine \d{1,20}(?: [^\[\n]{0,200})? \[([^\]\n]{0,200})\]")
WAITED = re.compile(r"(\d{1,9}) minutes?\Z")
OFFSET = re.compile(r" (?:\+0x[0-9a-f]+)?(?: fp=.*)?\Z")


@dataclass(frozen=True)
class Group:
    """Goroutines that are alike: how many, their state, the stack innermost first, the longest wait in minutes."""

    count: int
    state: str
    stack: tuple[Frame, ...]
    longest_wait_min: int = 0
    created_by: str = ""


@dataclass(frozen=True)
class Goroutines:
    """All goroutines of a process, largest group first.

    `truncated`: the runtime stopped writing, more exist. `garbled`: blocks of text that were not goroutines.
    """

    total: int
    groups: tuple[Group, ...]
    truncated: bool = False
    garbled: int = 0


def count(dump: bytes) -> int:
    """Count the goroutines of a dump without grouping them."""
    return dump.startswith(MARK) + dump.count(b"\n\n" + MARK)


def group(dump: bytes) -> Goroutines:
    """Group the goroutines of a dump. Never raises: what is not a goroutine is counted as garbled."""
    counts: dict[tuple[bytes, ...], int] = {}
    samples: dict[tuple[bytes, ...], list[bytes]] = {}
    states: dict[bytes, tuple[bytes, int] | None] = {}
    waits: dict[tuple[bytes, ...], int] = {}
    garbled = 0
    for block in dump.split(b"\n\n", MAX_GOROUTINES):
        lines = block.split(b"\n", MAX_LINES)
        header = lines[0]
        if (bracket := header.find(b"[")) < 0 or (known := _state(header, bracket, states)) is None:
            garbled += bool(block.strip())
            continue
        key = (known[0], *(lines[2::2] if ELIDED not in block else _files(lines)))
        if key in counts:
            counts[key] += 1
        else:
            counts[key], samples[key] = 1, lines
        if known[1] > waits.get(key, 0):
            waits[key] = known[1]
    groups = _merge(_group(samples[key], key[0], number, waits.get(key, 0)) for key, number in counts.items())
    return Goroutines(sum(counts.values()), groups, len(dump) >= DUMP_LIMIT_BYTES, garbled)


def group_profile(profile: Profile) -> Goroutines:
    """Group the goroutines of a profile (`debug=0`): states are read off the runtime frames, wait times are unknown."""
    at = max(profile.index("goroutine"), 0)
    groups = _merge(Group(each.values[at], waits_for(each.stack), each.stack) for each in profile.samples)
    return Goroutines(sum(each.count for each in groups), groups)


def _state(header: bytes, bracket: int, known: dict[bytes, tuple[bytes, int] | None]) -> tuple[bytes, int] | None:
    """Read `[chan receive (leaked), 5 minutes, locked to thread]` as the state and the minutes; remember the answer."""
    text = header[bracket : header.find(b"]", bracket) + 1]
    if text in known and header.startswith(MARK):
        return known[text]
    if (match := HEADER.match(header)) is None:
        return None
    parts = match[1].decode("utf-8", "replace").split(", ")
    minutes = [int(wait[1]) for part in parts[1:] if (wait := WAITED.match(part))]
    known[text] = parts[0].replace(" (leaked)", "").encode(), max(minutes, default=0)
    return known[text]


def _files(lines: list[bytes]) -> list[bytes]:
    """Give the file lines where an elision has broken the rhythm of pairs."""
    return [line for line in lines if line.startswith(b"\t")]


def _group(lines: list[bytes], state: bytes, number: int, wait: int) -> Group:
    frames: list[Frame] = []
    created_by = function = ""
    for raw in lines[1:]:
        line = raw.decode("utf-8", "replace")
        if not line.startswith("\t"):
            function = line
        elif function.startswith("created by "):
            created_by = function.removeprefix("created by ").partition(" in goroutine ")[0]
        elif function:
            frames.append(_frame(function, line[1:]))
            function = ""
    return Group(number, state.decode("utf-8", "replace"), tuple(frames), wait, created_by)


def _frame(function: str, place: str) -> Frame:
    path, _, line = OFFSET.sub("", place).rpartition(":")
    name, bracket, _ = function.rpartition("(")
    number = int(line) if line.isascii() and line.isdecimal() and len(line) < 10 else 0  # noqa: PLR2004 - an int32 fits
    return Frame(name if bracket else function, path or place, number)


def _merge(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Join groups that turn out alike (leaked and not leaked, other labels), largest first."""
    merged: dict[tuple[str, tuple[Frame, ...], str], Group] = {}
    for each in groups:
        key = (each.state, each.stack, each.created_by)
        if (before := merged.get(key)) is None:
            merged[key] = each
        else:
            wait = max(before.longest_wait_min, each.longest_wait_min)
            merged[key] = replace(before, count=before.count + each.count, longest_wait_min=wait)
    return tuple(sorted(merged.values(), key=lambda each: (-each.count, each.state, str(each.stack[:1]))))
