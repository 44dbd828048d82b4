"""The second reading of a target held against the first: what grew, what moved, what was spent between them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bot.domain.crowds import count, crowds, with_stayed, with_waits
from bot.domain.facts import Facts, Process, Sockets, Spent, Window
from bot.domain.goroutines import group_profile
from bot.domain.profile import Profile, Sample
from bot.domain.snapshot import FIRST, SECOND, Captured
from bot.domain.stacks import servers
from bot.domain.windows import difference, made, spent, total

Document = Mapping[str, Any]
T = TypeVar("T")
DIALS = frozenset({"net.(*Dialer).DialContext", "net/http.(*Transport).dialConn"})
"""Opening a connection; over HTTP it is done in a goroutine of its own, below no line of the service."""


def with_second(
    facts: Facts,
    parts: Mapping[str, Captured],
    profiles: Mapping[str, Profile],
    kernel: tuple[Document, Document],
    ends: tuple[Sockets | None, Process | None],
) -> Facts:
    """Add what two readings tell; `kernel` are the two tables of sockets, `ends` sockets and process at the end.

    Without a second goroutine profile nothing is added.
    """
    first, second = _pair(profiles, "goroutine")
    if first is None or second is None:
        return facts
    module = facts.build.module
    before, after = count(group_profile(first), module), count(group_profile(second), module)
    found = with_waits(crowds(before, after), {each.frame: each.longest_wait_min for each in facts.crowds})
    early, late = _pair(parts, "goroutine-dump")
    if early is not None and late is not None and early.content and late.content:
        found = with_stayed(found, early.content, late.content, module)
    seconds = _apart(parts, "goroutine")
    window = Window(
        seconds=round(seconds, 3) if seconds > 0 else facts.cpu.seconds if facts.cpu else 0.0,
        goroutines=group_profile(second).total,
        handling=after.handling,
        attended=after.attended,
        orphans=after.orphans,
        locks=_spent(profiles, "mutex", module),
        blocked=_spent(profiles, "block", module),
        sockets=ends[0],
        unmoved=_unmoved(*kernel),
        process=ends[1],
    )
    return replace(facts, crowds=found, window=_with_memory(window, parts, profiles, module))


def _pair(readings: Mapping[str, T], part: str) -> tuple[T | None, T | None]:
    """Give both readings of a part, of one and the same snapshot."""
    return readings.get(part + FIRST, readings.get(part)), readings.get(part + SECOND)


def _apart(parts: Mapping[str, Captured], part: str) -> float:
    first, second = _pair(parts, part)
    return second.at_s - first.at_s if first is not None and second is not None else 0.0


def _spent(profiles: Mapping[str, Profile], part: str, module: str) -> tuple[Spent, ...] | None:
    before, after = _pair(profiles, part)
    if before is None or after is None or not after.samples:
        return None  # nothing was ever recorded: the rate may be off
    return spent(before, after, module, unlocking=part == "mutex")


def _with_memory(window: Window, parts: Mapping[str, Captured], profiles: Mapping[str, Profile], module: str) -> Window:
    """Read what was allocated; without forced collections it is known as of the last that happened by itself."""
    own_servers = servers(each.stack for each in profiles["goroutine" + SECOND].samples)
    for name in ("heap-gc", "heap"):
        before, after = _pair(profiles, name)
        if before is None or after is None:
            continue
        gained = difference(before, after)
        seconds = _apart(parts, name)
        return replace(
            window,
            memory=made(before, after, module, own_servers),
            memory_s=round(seconds, 3) if seconds > 0 else window.seconds,
            allocated_bytes=total(gained, after.index("alloc_space")),
            dialled_bytes=sum(each.values[after.index("alloc_space")] for each in gained if _dials(each)),
            grown_bytes=total(gained, after.index("inuse_space")),
        )
    return window


def _unmoved(first: Document, second: Document) -> int | None:
    """Count connections with unsent bytes whose client took not one of them."""
    before, after = first.get("stuck"), second.get("stuck")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return None
    return sum(1 for socket, unsent in after.items() if unsent and before.get(socket) == unsent)


def _dials(sample: Sample) -> bool:
    return any(frame.function in DIALS for frame in sample.stack)
