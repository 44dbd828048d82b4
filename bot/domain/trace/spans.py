"""What lines are gathered into while a chain is rebuilt: spans, what stands for missing ones, lines without one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.trace.lines import Line


class SpanKind(StrEnum):
    """What a row of a chain stands for: a span, one that no line is of, or lines that name none."""

    SPAN = "span"
    GAP = "gap"
    LOOSE = "loose"


@dataclass(eq=False)
class Knot:
    """A span in the making; times are microseconds since 1970 UTC by the clock of its own host until it is shifted."""

    kind: SpanKind
    id: str
    service: str
    parent_id: str = ""
    host: str = ""
    operation: str = ""
    begins: int = 0
    ends: int = 0
    lines: int = 0
    is_measured: bool = False
    failing: Line | None = None
    first_message: str = ""
    status: int = 0
    shifted: int = 0
    above: "Knot | None" = None
    below: list["Knot"] = field(default_factory=list)

    @property
    def clock(self) -> str:
        """Whose clock it was measured with; a service is taken for one host where lines name none."""
        return self.host or self.service

    @property
    def is_bounded(self) -> bool:
        """Tell whether its beginning and end are known; one line without a duration tells neither."""
        return self.is_measured or self.ends > self.begins

    @property
    def took(self) -> int:
        """How long it took, microseconds."""
        return self.ends - self.begins

    def add(self, line: Line) -> None:
        """Take a line in; lines come in the order of their times."""
        self.begins = min(self.begins, line.begins) if self.lines else line.begins
        self.ends = max(self.ends, line.at) if self.lines else line.at
        self.lines += 1
        self.is_measured = self.is_measured or line.begins < line.at
        self.parent_id = self.parent_id or line.parent
        self.host = self.host or line.host
        self.operation = self.operation or line.operation
        self.first_message = self.first_message or line.message
        self.status = max(self.status, line.status)
        if line.failed and self.failing is None:
            self.failing = line

    def shift(self, by: int) -> None:
        """Move it in time, microseconds."""
        self.begins, self.ends, self.shifted = self.begins + by, self.ends + by, by

    def hang(self, above: "Knot") -> None:
        """Put it below another."""
        self.above = above
        above.below.append(self)

    def fall(self) -> None:
        """Take it from what it hangs under."""
        if self.above is not None:
            self.above.below.remove(self)
            self.above = None


def walk(tops: Iterable[Knot]) -> Iterator[tuple[int, Knot]]:
    """Give all below some, each with its depth: each before what is below it, earlier ones first."""
    waiting = [(0, each) for each in reversed(in_time(tops))]
    while waiting:
        depth, knot = waiting.pop()
        yield depth, knot
        waiting += [(depth + 1, each) for each in reversed(in_time(knot.below))]


def in_time(knots: Iterable[Knot]) -> list[Knot]:
    """Sort by time."""
    return sorted(knots, key=lambda each: (each.begins, each.ends, each.service, each.id))
