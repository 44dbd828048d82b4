"""Captures of pretended targets, part by part."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.snapshot import (
    BLOCK,
    BUILD,
    DUMP,
    GOROUTINE,
    GOROUTINE_LEAK,
    HEAP,
    HEAP_GC,
    LOG,
    MUTEX,
    PROCESS,
    READ_TWICE,
    SOCKETS,
    VERSION,
    Captured,
    Part,
    Probe,
    again,
    captured,
    cpu_part,
)
from bot.domain.stacks import Frame
from tests.unit.domain.go_profiles import CPU as CPU_TYPES
from tests.unit.domain.go_profiles import GOROUTINE as GOROUTINE_TYPES
from tests.unit.domain.go_profiles import HEAP as HEAP_TYPES
from tests.unit.domain.go_profiles import LEAK as LEAK_TYPES
from tests.unit.domain.go_profiles import MUTEX as MUTEX_TYPES
from tests.unit.domain.go_profiles import SERVE, Sample, Stack, dump, main_frame, profile

PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        GOROUTINE,
        GOROUTINE_LEAK,
        HEAP,
        HEAP_GC,
        MUTEX,
        BLOCK,
        DUMP,
        LOG,
        SOCKETS,
        PROCESS,
        BUILD,
        VERSION,
        cpu_part(2),
    )
}
CHAN_SEND: tuple[Frame, ...] = (Frame("runtime.gopark"), Frame("runtime.chansend"), Frame("runtime.chansend1"))
CHAN_RECEIVE: tuple[Frame, ...] = (Frame("runtime.gopark"), Frame("runtime.chanrecv"), Frame("runtime.chanrecv1"))
SELECT: tuple[Frame, ...] = (Frame("runtime.gopark"), Frame("runtime.selectgo"))
SLEEP: tuple[Frame, ...] = (Frame("runtime.gopark"), Frame("time.Sleep"))
WRITE: tuple[Frame, ...] = (
    Frame("runtime.gopark"),
    Frame("internal/poll.runtime_pollWait"),
    Frame("net.(*netFD).Write"),
    Frame("net/http.checkConnErrorWriter.Write"),
    Frame("bufio.(*Writer).Write"),
    Frame("net/http.(*response).Write"),
)
LOCK: tuple[Frame, ...] = (
    Frame("runtime.gopark"),
    Frame("internal/sync.runtime_SemacquireMutex"),
    Frame("internal/sync.(*Mutex).Lock"),
    Frame("sync.(*Mutex).Lock"),
)
IDLE: tuple[tuple[Stack, int], ...] = (((main_frame("main", 121),), 1), (SERVE, 9))


def goroutines(*groups: tuple[Stack, int]) -> bytes:
    return profile(GOROUTINE_TYPES, [(stack, (count,)) for stack, count in groups], build_id="1a2b3c4d5e")


def leaks(*groups: tuple[Stack, int]) -> bytes:
    return profile(LEAK_TYPES, [(stack, (count,)) for stack, count in groups], build_id="1a2b3c4d5e")


def heap(*sites: tuple[Stack, int]) -> bytes:
    samples: list[Sample] = [(stack, (1, size, 1, size)) for stack, size in sites]
    return profile(HEAP_TYPES, samples, build_id="1a2b3c4d5e")


def cpu(*sites: tuple[Stack, int], seconds: float = 2.0) -> bytes:
    samples: list[Sample] = [(stack, (count, count * 10_000_000)) for stack, count in sites]
    return profile(CPU_TYPES, samples, seconds=seconds)


def mutex(*sites: tuple[Stack, float]) -> bytes:
    return profile(MUTEX_TYPES, [(stack, (1, int(seconds * 1e9))) for stack, seconds in sites])


def block(*sites: tuple[Stack, int, float]) -> bytes:
    """Make a block profile: stack, times, seconds of all of them together."""
    return profile(MUTEX_TYPES, [(stack, (times, int(seconds * 1e9))) for stack, times, seconds in sites])


def allocs(*sites: tuple[Stack, int, int]) -> bytes:
    """Make a heap profile: stack, bytes ever allocated, bytes in use."""
    return profile(HEAP_TYPES, [(stack, (1, made, 1, kept)) for stack, made, kept in sites], build_id="1a2b3c4d5e")


def document(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


def parts_of(target: str, contents: Mapping[str, bytes]) -> list[Captured]:
    healthy = {"goroutine": goroutines(*IDLE), "heap": heap(((main_frame("cache", 7),), 3_000_000))}
    return [
        captured(target, PARTS[name.replace("_", "-")], content, 0.1)
        for name, content in {**healthy, **contents}.items()
    ]


def facts_of(target: str, probe: Probe | None = None, **contents: bytes) -> Facts:
    return examine(parts_of(target, contents), probe)


def good_probe(target: str, p50_ms: float = 2.0) -> Probe:
    return Probe(target, 5, (("200", 5),), p50_ms, p50_ms)


def failed_probe(target: str) -> Probe:
    return Probe(target, 5, (("timeout", 5),), error=f"{target}: no answer")


def twice(
    target: str,
    probe: Probe | None = None,
    first: Mapping[str, bytes] | None = None,
    second: Mapping[str, bytes] | None = None,
    seconds: float = 2.5,
) -> Facts:
    """Examine two readings so many seconds apart; what `second` does not name is as it was."""
    before = parts_of(target, first or {})
    after = parts_of(target, {**(first or {}), **(second or {})})
    later = [replace(again(each), at_s=seconds) for each in after if each.part in {*READ_TWICE, "heap-gc"}]
    return examine([*before, *later], probe)


def dump_of(groups: Sequence[tuple[str, Sequence[Frame], int]]) -> bytes:
    return dump(*((state, stack) for state, stack, count in groups for _ in range(count)), created_by="main.start")
