"""Goroutines counted and grouped by state and code, whatever a process wrote them as."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.domain.errors import FirstFiveError
from bot.domain.profile import Profile
from bot.domain.stacks import Frame, waits_for

MAX_FRAMES = 200_000
"""Frames of all groups together: 2,000 groups of the 100 that the runtime prints; bounds memory, to about 200 MB."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text: bytes before it, and its line from 1."""

    offset: int
    line: int

    def __str__(self) -> str:
        return f"byte {self.offset}, line {self.line}"


class DumpMalformed(FirstFiveError):
    """The text holds no goroutine; `spot` is where one should begin."""

    def __init__(self, said: str, spot: Spot) -> None:
        super().__init__(f"{said} at {spot}")
        self.spot = spot


@dataclass(frozen=True)
class Group:
    """Goroutines that are alike: how many, their state, the stack innermost first, the longest wait in minutes.

    `leaked` of them the collector proved to be waited for by nobody, `locked` of them hold a thread of their own.
    """

    count: int
    state: str
    stack: tuple[Frame, ...]
    longest_wait_min: int = 0
    created_by: str = ""
    leaked: int = 0
    locked: int = 0


@dataclass(frozen=True)
class Goroutines:
    """All goroutines of a process, largest group first.

    `truncated`: more exist than were written or, beyond our limits, read. `garbled`: stretches of text that were not
    goroutines, the first of them at `damage`. `cause`: why the process ended, where a panic printed the dump.
    """

    total: int
    groups: tuple[Group, ...]
    truncated: bool = False
    garbled: int = 0
    damage: Spot | None = None
    cause: str = ""


def group_profile(profile: Profile) -> Goroutines:
    """Group the goroutines of a profile (`debug=0`): states are read off the runtime frames, wait times are unknown."""
    at = max(profile.index("goroutine"), 0)
    groups = merge(Group(each.values[at], waits_for(each.stack), each.stack) for each in profile.samples)
    return Goroutines(sum(each.count for each in groups), groups)


def merge(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Join groups that turn out alike (elided and not, other labels), largest first."""
    merged: dict[tuple[str, tuple[Frame, ...], str], Group] = {}
    for each in groups:
        key = (each.state, each.stack, each.created_by)
        if (before := merged.get(key)) is None:
            merged[key] = each
        else:
            merged[key] = replace(
                before,
                count=before.count + each.count,
                longest_wait_min=max(before.longest_wait_min, each.longest_wait_min),
                leaked=before.leaked + each.leaked,
                locked=before.locked + each.locked,
            )
    return tuple(sorted(merged.values(), key=lambda each: (-each.count, each.state, str(each.stack[:1]))))


def spot(text: bytes, offset: int) -> Spot:
    """Tell the line of an offset."""
    return Spot(offset, text.count(b"\n", 0, offset) + 1)


def frame(function: str, place: str) -> Frame:
    """Make a frame of a function and its `file:line`; a line that is no number is 0."""
    path, _, line = place.rpartition(":")
    number = int(line) if line.isascii() and line.isdecimal() and len(line) < 10 else 0  # noqa: PLR2004 - an int32 fits
    return Frame(function, path or place, number)
