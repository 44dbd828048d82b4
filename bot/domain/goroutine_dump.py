"""Goroutine dumps (`debug=2`, or what a panic prints) counted and grouped, without reading a single argument.

Two goroutines are alike when their state and their `file:line` lines are: arguments, goroutine ids, wait times and
labels differ between any two and are left out. The format is that of goroutineheader and traceback in
runtime/traceback.go, Go 1.21 to 1.27.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.domain.goroutines import MAX_FRAMES, DumpMalformed, Goroutines, Group, Spot, frame, merge, spot
from bot.domain.stacks import Frame

DUMP_LIMIT_BYTES = 64 * 1024 * 1024
"""The runtime cuts a dump here without a word (writeGoroutineStacks, runtime/pprof/pprof.go, Go 1.27)."""

MAX_GOROUTINES = 1_000_000
"""A dump of 64 MB holds about 335,000 of the smallest; bounds time."""
MAX_LINES = 1024
"""Lines of one goroutine; the runtime prints at most 100 frames of two lines."""
MAX_WAYS = 65_536
"""Headers and stacks known at a time; labels can make every one of them different."""
MAX_CAUSE = 2_000
CHUNK_BYTES = 256 * 1024
"""Read at once: small enough to stay in the processor's cache, twice as quick as the whole."""

MARK = b"goroutine "
NEXT = b"\n\n" + MARK
START = re.compile(rb"(?:\A|(?<=\n\n))goroutine \d{1,20}(?: [^\[\n]{0,200})? \[")
STATE = re.compile(rb"([^\]\n]{0,200})\]")
WAITED = re.compile(r"(\d{1,9}) minutes?\Z")
CAUSE = re.compile(rb"^(?:panic|fatal error|runtime|unexpected signal|SIG[A-Z]+): ", re.MULTILINE)
BESIDE = re.compile(rb"\s*(?:\Z|runtime stack:|exit status \d|-----$|[A-Z]*PC=|rax +0x|r0 +0x|zero +0x)", re.MULTILINE)
"""What a crash prints besides goroutines: the scheduler's stack, registers, the end of another thread's part."""
OFFSET = re.compile(r"(?: \+0x[0-9a-f]+)?\Z")
REGISTERS = re.compile(rb" fp=0x[0-9a-f]+ sp=0x[0-9a-f]+ pc=0x[0-9a-f]+$", re.MULTILINE)
"""After every line of a crash: where the frame lies, another place in every goroutine."""


def count(dump: bytes) -> int:
    """Count the goroutines of a dump without grouping them."""
    return dump.startswith(MARK) + dump.count(NEXT)


def group(dump: bytes) -> Goroutines:
    """Group the goroutines of a dump; text between them that is none is counted as garbled.

    :raises DumpMalformed: there is not one goroutine in it.
    """
    truncated = len(dump) >= DUMP_LIMIT_BYTES
    if b"\r\n" in dump[:MAX_LINES]:
        dump = dump.replace(b"\r\n", b"\n")
    reading = _Reading(dump)
    truncated |= reading.stopped
    damage = spot(dump, reading.first) if reading.garbled else None
    if not reading.piles:
        raise DumpMalformed("no goroutine begins", damage or Spot(0, 1))
    groups = merge(map(_group, reading.piles.values()))
    total = sum(each.count for each in groups)
    return Goroutines(total, groups, truncated, reading.garbled, damage, reading.cause)


@dataclass(slots=True)
class _Pile:
    """Goroutines of one state with the same `file:line` lines, and the lines of the first of them."""

    state: str
    lines: list[bytes]
    count: int = 0
    wait: int = 0
    leaked: int = 0
    locked: int = 0


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write the goroutines of a pile: their header says whether they leaked or are locked to a thread."""

    pile: _Pile
    leaked: bool
    locked: bool


@dataclass
class _Reading:
    """One walk over a dump, chunk by chunk."""

    dump: bytes
    piles: dict[tuple[str, bytes], _Pile] = field(default_factory=dict)
    ways: dict[bytes, _Way] = field(default_factory=dict)
    garbled: int = 0
    first: int = -1
    cause: str = ""
    stopped: bool = False
    frames: int = 0

    def __post_init__(self) -> None:
        start = number = 0
        while start < len(self.dump) and not self.stopped:
            end = self.dump.find(NEXT, start + CHUNK_BYTES)
            end = end if end >= 0 else len(self.dump)
            texts = Counter(self._texts(start, end))
            number += texts.total()
            self._add(texts, start)
            start = end + 2
            self.stopped = start < len(self.dump) and (number > MAX_GOROUTINES or self.frames > MAX_FRAMES)

    def _texts(self, start: int, end: int) -> Iterable[bytes]:
        """Give what follows ` [` of every goroutine; the quick way needs a chunk of nothing but plain headers."""
        chunk = self.dump[start:end]
        blocks = chunk.split(NEXT)
        if chunk.startswith(MARK) and chunk.count(b"\n\n") == len(blocks) - 1:
            blocks[0] = blocks[0].removeprefix(MARK)
            texts = []
            for block in blocks:
                number, bracket, text = block.partition(b" [")
                if not (bracket and number.isdigit()):
                    break
                texts.append(text)
            else:
                return texts
        return self._found(chunk, start)

    def _found(self, chunk: bytes, base: int) -> Iterator[bytes]:
        """Find the goroutines of a crash or of a damaged text, and keep what lies between."""
        after = 0
        for match in START.finditer(chunk):
            self._beside(chunk, after, match.start(), base)
            end = chunk.find(b"\n\n", match.end())
            after = end if end >= 0 else len(chunk)
            yield REGISTERS.sub(b"", chunk[match.end() : after])
        self._beside(chunk, after, len(chunk), base)

    def _beside(self, chunk: bytes, start: int, end: int, base: int) -> None:
        """Judge text that is no goroutine: the cause of a crash, what a crash prints besides, or damage."""
        if BESIDE.match(chunk, start, end):
            return
        if match := CAUSE.search(chunk, start, end):
            until = chunk.find(b"\n\n", match.start(), end)
            cause = chunk[match.start() : until if until >= 0 else end].strip()
            self.cause = self.cause or cause[:MAX_CAUSE].decode("utf-8", "replace")
        else:
            text = chunk[start:end]
            self._damaged(base + start + len(text) - len(text.lstrip()))

    def _damaged(self, at: int, number: int = 1) -> None:
        self.garbled += number
        self.first = min(self.first, at) if self.first >= 0 else at

    def _add(self, texts: Counter[bytes], start: int) -> None:
        ways, unread = self.ways, Counter[bytes]()
        for text, number in texts.items():
            lines = text.split(b"\n", MAX_LINES)
            key = b"\n".join(lines[::2])
            way = ways.get(key) or self._way(key, lines)
            if way is None:
                unread[text] = number
                continue
            way.pile.count += number
            if way.leaked:
                way.pile.leaked += number
            if way.locked:
                way.pile.locked += number
        if unread:
            header = b" [" + next(iter(unread)).partition(b"\n")[0]
            at = self.dump.find(header + b"\n", start)
            at = at if at >= 0 else self.dump.rfind(header)
            self._damaged(self.dump.rfind(MARK, 0, at), unread.total())

    def _way(self, key: bytes, lines: list[bytes]) -> _Way | None:
        """Read `chan receive (leaked), 5 minutes, locked to thread]:` and remember what the key means.

        An elision, or anything else that breaks the rhythm of pairs, brings arguments into the key: the file lines
        alone are alike then, and the key is not remembered.
        """
        if (match := STATE.match(lines[0])) is None:
            return None
        state, *marks = match[1].decode("utf-8", "replace").split(", ")
        places = lines[2::2]
        broken = not all(line.startswith(b"\t") for line in places)
        if broken:
            places = [line for line in lines[1:] if line.startswith(b"\t")]
        found = (state.replace(" (scan)", "").replace(" (leaked)", ""), b"\n".join(places))
        if (pile := self.piles.get(found)) is None:
            pile = self.piles[found] = _Pile(found[0], lines)
            self.frames += 1 + len(places)
        pile.wait = max(pile.wait, *(int(wait[1]) for mark in marks if (wait := WAITED.match(mark))), 0)
        way = _Way(pile, " (leaked)" in state, "locked to thread" in marks)
        if not broken:
            if len(self.ways) >= MAX_WAYS:
                self.ways.clear()
            self.ways[key] = way
        return way


def _group(pile: _Pile) -> Group:
    stack, created_by = _stack(pile.lines)
    return Group(pile.count, pile.state, stack, pile.wait, created_by, pile.leaked, pile.locked)


def _stack(lines: Sequence[bytes]) -> tuple[tuple[Frame, ...], str]:
    """Read the frames and who began the goroutine; the frames of its ancestors are not its own."""
    frames: list[Frame] = []
    created_by = function = ""
    for raw in lines[1:MAX_LINES]:
        line = raw.decode("utf-8", "replace")
        if line.startswith("[originating from "):
            break
        if not line.startswith("\t"):
            function = line
        elif function.startswith("created by "):
            created_by = function.removeprefix("created by ").partition(" in goroutine ")[0]
        elif function:
            name, bracket, _ = function.rpartition("(")
            frames.append(frame(name if bracket else function, OFFSET.sub("", line[1:])))
            function = ""
    return tuple(frames), created_by
