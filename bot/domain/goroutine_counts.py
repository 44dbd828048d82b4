"""Goroutines as the legacy text of a profile counts them (`debug=1`): a count for each stack, no state, no waits.

The format is that of printCountProfile and printStackRecord, runtime/pprof/pprof.go, Go 1.21 to 1.27.
"""

import re
from collections.abc import Iterator

from bot.domain.goroutines import MAX_FRAMES, DumpMalformed, Goroutines, Group, Spot, frame, merge, spot
from bot.domain.stacks import Frame, waits_for

HEADER = re.compile(rb"goroutine(?:leak)? profile: total (\d{1,9})$", re.MULTILINE)
RECORD = re.compile(rb"(\d{1,9}) @(?: 0x[0-9a-f]{1,16}){0,4096}$", re.MULTILINE)
LINE = re.compile(rb"[^\n]+")
CALL = re.compile(rb"#\t+(0x[0-9a-f]{1,16})(?:\t+([^\t\n]+?)(?:\+0x[0-9a-f]{1,16})?\t+([^\n]+))?$")


def counted(text: bytes) -> bool:
    """Tell whether a text is of this kind."""
    return HEADER.match(text) is not None


def group_counts(text: bytes) -> Goroutines:
    """Group the goroutines of a `debug=1` text; states are read off the frames as in `group_profile`.

    :raises DumpMalformed: its first line is missing, or it holds no stack though it claims some.
    """
    if (header := HEADER.match(text)) is None:
        raise DumpMalformed("no goroutine profile begins", Spot(0, 1))
    reading = _Reading(text, header.end() + 1)
    groups = merge(reading.groups())
    total, claimed = sum(each.count for each in groups), int(header[1])
    damage = spot(text, reading.first) if reading.garbled else None
    if claimed and not groups:
        raise DumpMalformed(f"none of {claimed} goroutines begins", damage or spot(text, len(text)))
    return Goroutines(total, groups, reading.stopped or total < claimed, reading.garbled, damage)


class _Reading:
    """One walk over the lines; the same line of two stacks is one frame."""

    def __init__(self, text: bytes, start: int) -> None:
        self.text = text
        self.start = start
        self.frames: dict[bytes, Frame] = {}
        self.garbled = 0
        self.first = -1
        self.stopped = False

    def groups(self) -> Iterator[Group]:
        """Give the stacks in their order, until there are too many frames."""
        number, stack = 0, list[Frame]()
        for read, match in enumerate(LINE.finditer(self.text, self.start)):
            line = match[0]
            if line.startswith(b"#\t") and number and (call := self._frame(line)):
                stack.append(call)
            elif record := RECORD.match(line):
                yield from _group(number, stack)
                number, stack = int(record[1]), []
            elif line.strip() and not (number and line.startswith(b"# labels: ")):
                self.garbled += 1
                self.first = self.first if self.first >= 0 else match.start()
            if read > MAX_FRAMES:
                self.stopped = True
                break
        yield from _group(number, stack)

    def _frame(self, line: bytes) -> Frame | None:
        if (known := self.frames.get(line)) is None and (match := CALL.match(line)):
            address, function, place = (part.decode("utf-8", "replace") for part in match.groups(b""))
            known = self.frames[line] = frame(function, place) if function else Frame(address)
        return known


def _group(number: int, stack: list[Frame]) -> Iterator[Group]:
    if number:
        yield Group(number, waits_for(stack), tuple(stack))
