"""Goroutines added up by the own line they are at, and what became of them between two readings."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.facts import Crowd
from bot.domain.goroutine_dump import MARK, NEXT, group
from bot.domain.goroutines import Goroutines
from bot.domain.stacks import (
    CONNECTION_ROOTS,
    LOCK_WAITS,
    Frame,
    in_handler,
    is_called,
    is_standard,
    own_frame,
    servers,
)

LARGEST = 40
LOCKED = 40
"""Crowds kept: the largest, and beside them those at locks, where two goroutines are enough to stop a service."""
PATH = 64
"""Calls kept of each, of the service and its libraries: those who share a request differ in the innermost."""
READER = "net/http.(*connReader).backgroundRead"
"""Reads ahead for each request over HTTP/1 whose body is read, and ends when its client leaves (net/http/server.go)."""

ALLOCATES = ("runtime.mallocgc", "runtime.gcAssistAlloc")
"""Getting memory, and helping the collector before one gets it; the runtime has a function for each size."""

Key = tuple[Frame, str, bool]


@dataclass(frozen=True)
class Counts:
    """One reading: goroutines by own line, state and whether of a request; those that answer one; clients there.

    `orphans`: handlers in goroutines of their own beyond those that a connection waits for, as of http.TimeoutHandler.
    """

    crowds: Mapping[Key, int]
    paths: Mapping[Key, tuple[Frame, ...]]
    waits: Mapping[Frame, int]
    handling: int
    attended: int
    orphans: int
    allocating: Mapping[Key, int]


def count(goroutines: Goroutines, module: str) -> Counts:
    """Add up one reading."""
    sums: Counter[Key] = Counter()
    waits: Counter[Frame] = Counter()
    allocating: Counter[Key] = Counter()
    paths: dict[Key, tuple[Frame, ...]] = {}
    handling = readers = apart = orphans = 0
    own_servers = servers(each.stack for each in goroutines.groups)
    for each in goroutines.groups:
        functions = {frame.function for frame in each.stack}
        request = in_handler(each.stack, own_servers)
        alone = request and CONNECTION_ROOTS.isdisjoint(functions)
        handling += each.count if request else 0
        apart += each.count if alone else 0
        readers += each.count if READER in functions else 0
        if request and not is_called(each.stack, own_servers):
            orphans += each.count if alone else -each.count
        if (frame := own_frame(each.stack, module)) is None:
            continue
        key = (frame, each.state, request)
        sums[key] += each.count
        allocating[key] += each.count if any(call.function.startswith(ALLOCATES) for call in each.stack) else 0
        waits[frame] = max(waits[frame], each.longest_wait_min)
        paths.setdefault(key, tuple(call for call in each.stack if not is_standard(call.function))[:PATH])
    return Counts(sums, paths, waits, handling, readers + apart if readers else 0, max(orphans, 0), allocating)


def crowds(first: Counts, second: Counts | None = None) -> tuple[Crowd, ...]:
    """Give the crowds of the last reading, largest first, held against those of the first."""
    last = second or first
    found = [
        Crowd(
            frame,
            state,
            request,
            number,
            last.paths[frame, state, request],
            None if second is None else first.crowds.get((frame, state, request), 0),
            allocating=last.allocating[frame, state, request],
        )
        for (frame, state, request), number in last.crowds.items()
    ]
    ranked = sorted(found, key=lambda each: (-each.count, str(each.frame), each.state))
    locked = [each for each in ranked[LARGEST:] if each.state in LOCK_WAITS]
    return (*ranked[:LARGEST], *locked[:LOCKED])


def with_stayed(found: Sequence[Crowd], first: bytes, second: bytes, module: str) -> tuple[Crowd, ...]:
    """Say of each crowd how many goroutines two dumps show in the very same call: same stack, same arguments.

    A request is a pointer among its handler's arguments, so that it is the same request, too.
    """
    at = Counter[Frame]()
    waiting = dict.fromkeys(_blocks(first))
    same = [block for block in _blocks(second) if block in waiting]
    if same:
        for each in group(MARK + NEXT.join(same)).groups:
            if (frame := own_frame(each.stack, module)) is not None:
                at[frame] += each.count
    return tuple(replace(each, stayed=min(at[each.frame], each.count)) for each in found)


def with_waits(found: Sequence[Crowd], waits: Mapping[Frame, int]) -> tuple[Crowd, ...]:
    """Say of each crowd how long its oldest waits already, which only dumps tell."""
    return tuple(replace(each, longest_wait_min=waits.get(each.frame, 0)) for each in found)


def _blocks(dump: bytes) -> Iterable[bytes]:
    """Give the goroutines of a dump, each with its number; the minutes that it waits are left out."""
    for block in dump.removeprefix(MARK).split(NEXT):
        header, colon, body = block.partition(b"]:\n")
        head, _, _ = header.partition(b",")
        yield head.replace(b" (leaked)", b"") + colon + body.rstrip(b"\n")
