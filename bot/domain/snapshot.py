"""A snapshot: which parts are captured from which targets, what came of each, and the manifest that says so."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Literal

DUMP_GOROUTINES = 10_000
"""Above this count no `debug=2` dump is taken: it stops the world, 0.5-1.0 s at 100,000 goroutines (Go 1.27)."""
LEAK_GOROUTINES = 50_000
"""Above this count leaked ones are not looked for: the world stands still while every goroutine is looked at, twice
(findMaybeRunnableGoroutines, runtime/mgc.go), 25 ms at 100,000 goroutines (Go 1.27)."""
SECOND_DUMP_BOUND = 3_000
"""Above this count no second dump is taken: two of them would stop the process for as long as one of 10,000 may."""
SECOND = "-2"
"""Ends the names of the parts of a second reading."""
FIRST = "-1"
"""Ends those of the reading before it, where this is not the one of the snapshot itself."""
STARVED_S = 0.5
"""So much later than asked for, a CPU profile tells of a process that hardly gets to run."""
READ_TWICE = frozenset({"goroutine", "mutex", "block", "heap", "sockets", "process", "goroutine-dump"})
INTRUSIVE_TARGETS = 3
"""At most so many targets of a service give a CPU profile and a forced GC: the two worst and one healthy."""
INTRUSIVE_REST = timedelta(minutes=2)
"""Time that must pass before a service is captured intrusively again."""
PART_TIMEOUT_S = 3.0
NOBODY = "nothing listens on"
"""In the reason of whatever was not got because a connection was refused."""
FAR = 10.0
"""Beyond so many times the middle, further is not worse: one signal alone must not outweigh failed answers."""
SLOW_PROBE_MS = 20.0
"""A difference of probe latency below this is noise and makes no target the worst."""


Content = bytes


class PartStatus(StrEnum):
    """What came of one part."""

    OK = "ok"
    FAILED = "failed"
    LATE = "late"
    SKIPPED = "skipped"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Part:
    """Something to capture: its address below the target's `pprof`, its name in the archive, its time limit.

    It is taken of processes with at most so many `goroutines`; None: whatever their number.
    """

    name: str
    path: str
    file: str
    kind: Literal["profile", "dump", "kernel", "log", "packets", "served", "handshake", "pod"] = "profile"
    timeout_s: float = PART_TIMEOUT_S
    intrusive: bool = False
    optional: bool = False
    goroutines: int | None = None


GOROUTINE = Part("goroutine", "/debug/pprof/goroutine", "goroutine.pb.gz")
GOROUTINE_LEAK = Part(
    "goroutineleak",
    "/debug/pprof/goroutineleak",
    "goroutineleak.pb.gz",
    timeout_s=2.0,
    optional=True,
    goroutines=LEAK_GOROUTINES,
)
HEAP = Part("heap", "/debug/pprof/heap", "heap.pb.gz")
MUTEX = Part("mutex", "/debug/pprof/mutex", "mutex.pb.gz")
BLOCK = Part("block", "/debug/pprof/block", "block.pb.gz")
THREADS = Part("threadcreate", "/debug/pprof/threadcreate", "threadcreate.pb.gz")
DUMP = Part(
    "goroutine-dump",
    "/debug/pprof/goroutine?debug=2",
    "goroutine-dump.txt",
    kind="dump",
    goroutines=DUMP_GOROUTINES,
)
DUMP_BY_NAME = replace(DUMP, timeout_s=20.0, intrusive=True, goroutines=None)
"""What somebody asked for by the target's name: 16 s at 400,000 goroutines, cut at 64 MiB (Go 1.27)."""
HEAP_GC = Part("heap-gc", "/debug/pprof/heap?gc=1", "heap-gc.pb.gz", timeout_s=1.5, intrusive=True)
SOCKETS = Part("sockets", "", "sockets.json", kind="kernel")
PROCESS = Part("process", "", "process.json", kind="kernel")
BUILD = Part("build", "", "build.json", kind="kernel")
BINARY = Part("binary", "", "binary.json", kind="kernel")
LOG = Part("log", "", "log.txt", kind="log")
RESTARTS = Part("restarts", "", "restarts.json", kind="pod", timeout_s=5.0)
"""How the container that a target runs in is probed and was ended, told by its cluster."""
VERSION = Part("version", "", "version.json", kind="served", timeout_s=2.0)
TLS = Part("tls", "", "tls.json", kind="handshake")

CHEAP_PARTS = (GOROUTINE, GOROUTINE_LEAK, HEAP, MUTEX, BLOCK, THREADS, DUMP)
"""What every target gives. In order of capture: the count first, the dump last and only if it is small."""
KERNEL_PARTS = (SOCKETS, PROCESS, BUILD, BINARY)


def packets_part(seconds: int) -> Part:
    """Give the part for the headers of the packets of some seconds; the answer comes only after them."""
    timeout_s = seconds + PART_TIMEOUT_S
    return Part("packets", "", "packets.pcap", kind="packets", timeout_s=timeout_s, intrusive=True)


def cpu_part(seconds: int) -> Part:
    """Give the part for a CPU profile of some seconds; the answer comes only after them."""
    path = f"/debug/pprof/profile?seconds={seconds}"
    return Part("cpu", path, "cpu.pb.gz", timeout_s=seconds + PART_TIMEOUT_S, intrusive=True)


def intrusive_parts(cpu_s: int) -> tuple[Part, ...]:
    """Give what is captured at a cost, and then `second_parts`: a heap as it is now, and where the time goes."""
    return (HEAP_GC, cpu_part(cpu_s))


def second_parts(goroutines: int | None, *, starved: bool) -> tuple[Part, ...]:
    """Give what is read once more after the CPU profile, so that what moves is told from what does not.

    A starved process is not made to collect again; its allocations are then known as of its own last collection.
    """
    dump = () if goroutines is None or goroutines > SECOND_DUMP_BOUND else (DUMP,)
    return (GOROUTINE, MUTEX, BLOCK, HEAP if starved else HEAP_GC, SOCKETS, PROCESS, *dump)


def again(record: "Captured", ending: str = SECOND) -> "Captured":
    """Name what was captured as the second reading of its part (or, by FIRST, as the one before that)."""
    name, dot, kind = record.file.partition(f"/{record.part}.")
    file = f"{name}/{record.part}{ending}.{kind}" if dot else record.file
    return replace(record, part=record.part + ending, file=file)


def is_starved(parts: Iterable["Captured"], cpu_s: int) -> bool:
    """Tell whether a CPU profile came so late that the process hardly gets to run, or a collection did not end."""
    return any(
        (each.part == "cpu" and each.elapsed_s > cpu_s + STARVED_S) or (each.part == HEAP_GC.name and not each.sha256)
        for each in parts
    )


@dataclass(frozen=True)
class Captured:
    """What came of one part of one target. `content` is redacted; `error` says what to change.

    `run` is whose capture it is, where another run's was shared.
    `at_s`: when it was asked for, in seconds since the snapshot began.
    """

    target: str
    part: str
    status: PartStatus
    file: str
    bytes: int = 0
    sha256: str = ""
    elapsed_s: float = 0.0
    error: str = ""
    content: Content = field(default=b"", repr=False)
    run: str = ""
    at_s: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether there is something to read."""
        return bool(self.content)

    def without_content(self) -> "Captured":
        """Give the record alone, as journals and manifests keep it."""
        return replace(self, content=b"")


def safe_name(name: str) -> str:
    """Give a name fit for a file: letters, digits, `._-`, no leading dot; changed ones end in a piece of their hash."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80].lstrip(".")
    return safe if safe == name and safe else f"{safe or 'x'}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:6]}"


def _file(target: str, part: Part) -> str:
    return f"{safe_name(target)}/{part.file}"


def captured(target: str, part: Part, content: bytes, elapsed_s: float, error: str = "") -> Captured:
    """Record a part that gave bytes; with an error it is truncated, and without bytes it has failed."""
    if not content:
        error = error or f"{target}: {part.path or part.name} gave an empty answer"
        return missed(target, part, error, elapsed_s)
    status = PartStatus.TRUNCATED if error else PartStatus.OK
    digest = sha256(content).hexdigest()
    return Captured(
        target, part.name, status, _file(target, part), len(content), digest, round(elapsed_s, 4), error, content
    )


def missed(
    target: str, part: Part, error: str, elapsed_s: float = 0.0, status: PartStatus = PartStatus.FAILED
) -> Captured:
    """Record a part that gave nothing, and why."""
    return Captured(target, part.name, status, _file(target, part), 0, "", round(elapsed_s, 4), error)


def skipped(target: str, part: Part, reason: str) -> Captured:
    """Record a part that was not asked for, and why."""
    return missed(target, part, reason, status=PartStatus.SKIPPED)


def duration(milliseconds: float) -> str:
    """Write a duration as people read it."""
    # From 999.5 on, three digits would print as 1e+03.
    return f"{milliseconds:.3g} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.1f} s"  # noqa: PLR2004 - see above


@dataclass(frozen=True)
class Probe:
    """What the users of a target get now: answers by status, latency in milliseconds; "" and None when unknown."""

    target: str
    requests: int
    statuses: tuple[tuple[str, int], ...] = ()
    p50_ms: float | None = None
    max_ms: float | None = None
    error: str = ""

    @property
    def failures(self) -> int:
        """How many answers were a server's error or none at all."""
        good = sum(number for status, number in self.statuses if status.isdecimal() and int(status) < 500)  # noqa: PLR2004 - HTTP
        return self.requests - good

    def __str__(self) -> str:
        answers = ", ".join(f"{number} x {status}" for status, number in self.statuses) or "no answer"
        latency = "" if self.p50_ms is None else f" in {duration(self.p50_ms)} (max {duration(self.max_ms or 0.0)})"
        return answers + latency

    @property
    def told(self) -> str:
        """Say what its users get, to follow its name: `answers 5 x 200`, or `gives no answer (5 times)`."""
        if any(status.isdecimal() for status, _ in self.statuses):
            return f"answers {self}"
        times = ", ".join(_times(n) if why == "no answer" else f"{n} x {why}" for why, n in self.statuses)
        return f"gives no answer ({times})" if times else "gives no answer"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


@dataclass(frozen=True)
class Signal:
    """The cheap signals by which the worst targets are picked; None where a part failed."""

    target: str
    goroutines: int | None = None
    heap_bytes: int | None = None
    probe: Probe | None = None


@dataclass(frozen=True)
class Pick:
    """A target chosen for intrusive capture, and why."""

    target: str
    why: str


def pick_intrusive(
    signals: Sequence[Signal],
    last_at: datetime | None = None,
    now: datetime | None = None,
    limit: int = INTRUSIVE_TARGETS,
) -> tuple[Pick, ...]:
    """Pick the targets worth an intrusive capture: the worst first, and a healthy one to compare with last.

    None are picked within INTRUSIVE_REST of the last time (`last_at`, `now`: aware).
    """
    if last_at is not None and now is not None and now - last_at < INTRUSIVE_REST:
        return ()
    base = (
        _middle(each.goroutines for each in signals),
        _middle(each.heap_bytes for each in signals),
        _latency(signals),
    )
    ranked = sorted(signals, key=lambda each: (-_badness(each, base), each.target))
    chosen = ranked if len(ranked) <= limit else [*ranked[: max(limit - 1, 0)], ranked[-1]]
    return tuple(Pick(each.target, _why(each, base)) for each in chosen)


Base = tuple[float, float, float]


def _middle(values: Iterable[float | None]) -> float:
    """Give the lower median: with two targets the smaller one is the measure."""
    known = sorted(value for value in values if value is not None)
    return known[(len(known) - 1) // 2] if known else 0.0


def _latency(signals: Sequence[Signal]) -> float:
    return _middle(each.probe.p50_ms for each in signals if each.probe is not None)


def _badness(signal: Signal, base: Base) -> float:
    """Score a target: a failed answer outweighs everything, then how many times the middle its signals are."""
    score = 0.0 if signal.goroutines is not None else 5.0
    for value, middle, floor in ((signal.goroutines, base[0], 10.0), (signal.heap_bytes, base[1], 4e6)):
        score += 0.0 if value is None else min(value / max(middle, floor), FAR)
    if signal.probe is not None and signal.probe.requests:
        score += 100.0 * signal.probe.failures / signal.probe.requests
        score += min((signal.probe.p50_ms or 0.0) / max(base[2], SLOW_PROBE_MS), FAR)
    return score


def _why(signal: Signal, base: Base) -> str:
    if signal.probe is not None and signal.probe.failures:
        return f"{signal.probe.failures} of {signal.probe.requests} probes failed"
    if signal.goroutines is None:
        return "its goroutines could not be counted"
    if signal.probe is not None and (signal.probe.p50_ms or 0.0) > max(2 * base[2], SLOW_PROBE_MS):
        return f"its probes take {duration(signal.probe.p50_ms or 0.0)}, the others {duration(base[2])}"
    if signal.goroutines > 2 * max(base[0], 10):
        return f"it has {signal.goroutines} goroutines, the others about {base[0]:.0f}"
    if signal.heap_bytes is not None and signal.heap_bytes > 2 * max(base[1], 4e6):
        return f"its heap has {signal.heap_bytes / 1e6:.0f} MB, the others about {base[1] / 1e6:.0f} MB"
    return "like the others: to compare with"


@dataclass(frozen=True)
class Manifest:
    """What a snapshot holds and what it lacks; `left_out`: targets that were not asked, and why."""

    service: str
    targets: tuple[str, ...]
    started_at: datetime
    artifacts: tuple[Captured, ...]
    probes: tuple[Probe, ...] = ()
    left_out: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Write the manifest; equal manifests give equal bytes."""
        document = {
            "service": self.service,
            "targets": list(self.targets),
            "left_out": list(self.left_out),
            "started_at": self.started_at.isoformat(timespec="milliseconds"),
            "artifacts": [_plain(each) for each in sorted(self.artifacts, key=lambda each: each.file)],
            "probes": [asdict(each) for each in sorted(self.probes, key=lambda each: each.target)],
        }
        return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"

    @property
    def losses(self) -> tuple[str, ...]:
        """One line for each part that failed or was cut, fit for a person."""
        failed = tuple(each.error for each in self.artifacts if each.status not in {PartStatus.OK, PartStatus.SKIPPED})
        return self.left_out + failed


def manifest(
    service: str,
    started_at: datetime,
    artifacts: Iterable[Captured],
    probes: Iterable[Probe] = (),
    left_out: tuple[str, ...] = (),
) -> Manifest:
    """Make the manifest of what was captured, contents left out."""
    records = tuple(each.without_content() for each in artifacts)
    targets = tuple(sorted({each.target for each in records}))
    return Manifest(service, targets, started_at, records, tuple(probes), left_out)


def _plain(record: Captured) -> dict[str, str | int | float]:
    return {key: value for key, value in asdict(record).items() if key != "content"}
