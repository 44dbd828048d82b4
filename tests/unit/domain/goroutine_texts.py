"""Goroutines as a Go process writes them, `debug=2` and `debug=1`, and slow readers of both that fit on a page."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from bot.domain.goroutines import DumpMalformed, Goroutines, Group
from bot.domain.stacks import Frame, waits_for

FRAMES = (
    Frame("main.(*pool).Get", "/src/checkout/pool.go", 45),
    Frame("main.Get[...]", "/src/a b.go", 12),
    Frame("example.com/x.leak.func1", "checkout/leak.go", 7),
    Frame("time.Sleep", "runtime/time.go", 364),
    Frame("net/http.(*conn).serve", "/go/src/net/http/server.go", 2157),
)
STATES = ("running", "chan send", "select", "select (no cases)", "chan receive (nil chan)", "sync.Mutex.Lock")
LABELS = ("", ' {token: "a [b] c"}', " {k: v}")
HEADERS = ("", " gp=0xc000002380 m=0 mp=0x5f6aa0", " gp=0xc000006c40 m=nil")


@dataclass(frozen=True)
class Written:
    """One goroutine, with everything a dump may say of it."""

    state: str
    stack: tuple[Frame, ...]
    minutes: int = 0
    leaked: bool = False
    locked: bool = False
    labels: str = ""
    header: str = ""
    creator: str = "main.main"
    elided: bool = False
    argument: int = 1

    def text(self, number: int) -> str:
        """Write it for `debug=2`."""
        waited = f", {self.minutes} minutes" if self.minutes else ""
        state = self.state + " (leaked)" * self.leaked + waited + ", locked to thread" * self.locked
        lines = [f"goroutine {number}{self.header} [{state}]{self.labels}:"]
        for at, frame in enumerate(self.stack):
            if self.elided and at == len(self.stack) - 1:
                lines.append(f"...{self.argument} frames elided...")
            lines += [
                f"{frame.function}({{0x{self.argument:x}?, 0x2}}, ...)",
                f"\t{frame.file}:{frame.line} +0x1d" + " fp=0xc1 sp=0xc0 pc=0x47" * bool(self.header),
            ]
        if self.creator:
            lines += [
                f"created by {self.creator} in goroutine {self.argument}",
                f"\t/src/{len(self.creator)}.go:9 +0x2f",
            ]
        return "\n".join(lines)


WRITTEN = st.builds(
    Written,
    st.sampled_from(STATES),
    st.lists(st.sampled_from(FRAMES), max_size=4).map(tuple),
    st.integers(0, 300),
    st.booleans(),
    st.booleans(),
    st.sampled_from(LABELS),
    st.sampled_from(HEADERS),
    st.sampled_from(["main.main", "net/http.(*Server).Serve", ""]),
    st.booleans(),
    st.integers(1, 3),
)


def debug_2(written: Sequence[Written]) -> bytes:
    """Write a dump."""
    return ("\n\n".join(each.text(number) for number, each in enumerate(written, start=1)) + "\n").encode()


def read_slowly(dump: bytes) -> set[Group]:
    """Read a dump goroutine by goroutine, line by line, with nothing remembered."""
    found: dict[tuple[str, tuple[Frame, ...], str], list[int]] = {}
    for block in re.split(r"\n\n(?=goroutine )", dump.decode()):
        header, *lines = block.rstrip("\n").split("\n")
        words = re.findall(r"\[(.*?)\]", header)[0].split(", ")
        minutes = [int(word.split()[0]) for word in words if word.endswith(" minutes")]
        calls = [line for line in lines if not line.startswith("...")]
        frames, creator = [], ""
        for function, place in zip(calls[::2], calls[1::2], strict=True):
            if made := re.fullmatch(r"created by (.*?)(?: in goroutine \d+)?", function):
                creator = made[1]
                continue
            file, line = re.fullmatch(r"\t(.*):(\d+)(?: \+0x.*)?", place).groups()  # type: ignore[union-attr]
            frames.append(Frame(function[: function.rindex("(")], file, int(line)))
        sums = found.setdefault((words[0].replace(" (leaked)", ""), tuple(frames), creator), [0, 0, 0, 0])
        sums[0] += 1
        sums[1] = max(sums[1], *minutes, 0)
        sums[2] += "(leaked)" in words[0]
        sums[3] += "locked to thread" in words
    return {Group(n, *key[:2], wait, key[2], leaked, locked) for key, (n, wait, leaked, locked) in found.items()}


def debug_1(written: Sequence[Written], *, total: int | None = None) -> bytes:
    """Write the counts of a profile; labels part stacks as they do in a real one."""
    counts = Counter((each.stack, each.labels) for each in written)
    text = f"goroutine profile: total {len(written) if total is None else total}\n"
    for (stack, labels), number in counts.items():
        text += f"{number} @ {' '.join(f'0x{frame.line:x}' for frame in stack)}".rstrip() + "\n"
        text += f"# labels:{labels}\n" * bool(labels)
        text += "".join(f"#\t0x{each.line:x}\t\t{each.function}+0x1d\t{each.file}:{each.line}\n" for each in stack)
        text += "\n"
    return text.encode()


def counted_slowly(written: Sequence[Written]) -> set[Group]:
    """Group what was written, without its text."""
    counts = Counter(each.stack for each in written)
    return {Group(number, waits_for(stack), stack) for stack, number in counts.items()}


def outcome(read: Callable[[bytes], Goroutines], text: bytes) -> Goroutines | DumpMalformed:
    """Read a text; the one error that a reader may raise is an outcome too."""
    try:
        return read(text)
    except DumpMalformed as error:
        return error
