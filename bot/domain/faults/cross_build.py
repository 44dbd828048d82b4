"""The program was built for another machine or C library than its host's, or breaks the rules of calling C."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.binary import Binary, Host, Program
from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, probe_evidence, suffers
from bot.domain.loading import Lack
from bot.domain.panics import Panic

FAULT = "cross-build"
SETTLED_S = 300.0
"""A process that runs for so long has left a panic behind that ended the one before it."""
STATIC = "Build it with CGO_ENABLED=0 if it needs no C code of its own"


@dataclass(frozen=True)
class Obstacle:
    """What keeps a program from starting, or (`confidence`) may keep it."""

    claim: str
    what: str
    value: str
    fix: str
    verify: str
    confidence: str = CERTAIN


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find a program that cannot start on its host, that broke at a call of C, or that is translated as it runs."""
    return _cannot_start(facts) or _broke_in_c(facts) or _is_translated(facts)


def _cannot_start(facts: Facts) -> Finding | None:
    """Hold the file of a target at which nobody is there against its host."""
    binary = facts.binary
    if binary is None or binary.file is None or not _is_down(facts, binary):
        return None
    found = list(obstacles(binary.file, binary.host))
    if not found:
        return None
    first, file = found[0], facts.file("binary")
    return Finding(
        FAULT,
        facts.target,
        f"Nobody answers, and {binary.file.path} cannot start there: {first.claim}",
        (
            *(Evidence(each.what, each.value, file) for each in found),
            Evidence("its host", str(binary.host), file),
            *probe_evidence(facts),
        ),
        f"Deploy the release before. {first.fix}",
        1.0,
        CERTAIN if any(each.confidence == CERTAIN for each in found) else LIKELY,
        first.verify,
    )


def _is_down(facts: Facts, binary: Binary) -> bool:
    probe = facts.probe
    answers = probe is not None and probe.requests > probe.failures
    return not binary.listening and binary.running is None and facts.goroutines is None and not answers


def obstacles(program: Program, host: Host) -> Iterator[Obstacle]:
    """Give everything that keeps a program from starting, in the order in which it would be noticed."""
    system = program.setting("GOOS")
    if system not in {"", "linux"}:
        yield _foreign(f"it is built for {system}, and its host runs Linux.", "GOOS", system, host)
    if not program.runs and not program.emulator:
        claim = f"it is built for {program.arch}, and its host is {host.arch} (exec format error)."
        yield _foreign(claim, "its machine", program.arch, host)
    if 0 < host.level < program.level:
        yield Obstacle(
            f"it needs a CPU of level v{program.level} (GOAMD64), and its host's has v{host.level}.",
            "GOAMD64",
            f"v{program.level}",
            f"Build it with GOAMD64=v{host.level}, or give it a host whose CPU has level v{program.level}.",
            "It listens again; its build says a GOAMD64 that the host's CPU has.",
        )
    yield from (_lacking(each, program, host) for each in program.lacks)


def _foreign(claim: str, what: str, value: str, host: Host) -> Obstacle:
    platform = f"linux/{host.arch}"
    fix = f"Build it for {platform} (GOOS=linux GOARCH={host.arch}, or `--platform {platform}` of the image)."
    return Obstacle(claim, what, value, fix, f"It listens again; its build says GOARCH={host.arch}.")


def _lacking(lack: Lack, program: Program, host: Host) -> Obstacle:
    """Say what the loader does not find; a missing loader is told of by the kernel as a missing file."""
    of = f" (for {lack.by})" if lack.by else ""
    verify = "It listens again; nothing that it needs is absent from its host."
    if lack.version:
        has = f"has up to {lack.newest}" if lack.newest else "has none of these versions"
        claim = f"it needs {lack.version} of {lack.name}{of}, and its host's {has}."
        system = host.libc if lack.version.startswith("GLIBC_") else f"{lack.name} of its host"
        fix = f"{STATIC}; else build it on a system with {system} or older."
        return Obstacle(claim, f"version of {lack.name}", lack.version, fix, verify)
    if lack.name == program.interpreter:
        claim = f"its loader {lack.name} is not on its host, which has {host.libc or 'no C library'}."
        fix = f"{STATIC}; else build it on a system with the C library of its host."
        return Obstacle(f"{claim} (Starting it says: no such file or directory.)", "its loader", lack.name, fix, verify)
    claim = f"the library {lack.name}{of} is not on its host."
    fix = f"Install what holds {lack.name} on its host or in its image, or build it in (-static)."
    return Obstacle(claim, "a library", lack.name, fix, verify, LIKELY)  # LD_LIBRARY_PATH of its start is not known


def _broke_in_c(facts: Facts) -> Finding | None:
    """Find a panic of the rules between Go and C at the end of the log, unless what runs now has left it behind."""
    panic = facts.log.panic if facts.log else None
    if panic is None or not (panic.is_pointers or (panic.is_empty and panic.in_c_call)) or _is_over(facts, panic):
        return None
    at = f" at {panic.function} ({panic.place})" if panic.place else ""
    ended = "The process ended of it" if panic.fatal else "The request that it happened in was cut off"
    if panic.is_pointers:
        claim = f"Go memory that points to more Go memory went to C{at}. {ended}: {panic.said}."
        fix = "Pass C a copy (C.CBytes, C.CString, C.malloc), or pin what it points to (runtime.Pinner) for the call"
    else:
        claim = f"The first byte of something empty was to go to C{at}. {ended}: {panic.said}."
        fix = "Ask for its length before &b[0] is taken, or pass unsafe.SliceData(b)"
    return Finding(
        FAULT,
        facts.target,
        claim,
        (
            Evidence("panic", panic.said, facts.file("log")),
            *((Evidence("where", panic.place, facts.file("log")),) if panic.place else ()),
            *probe_evidence(facts),
        ),
        f"{fix}{at}.",
        1.0 if panic.fatal else 0.5,
        CERTAIN,
        "The request that broke it is answered, and its log has no such panic.",
    )


def _is_over(facts: Facts, panic: Panic) -> bool:
    return panic.fatal and facts.process is not None and (facts.process.uptime_s or 0.0) >= SETTLED_S


def _is_translated(facts: Facts) -> Finding | None:
    """Find a program for another CPU that runs all the same, as something translates it, where users suffer."""
    binary = facts.binary
    running = binary.running if binary else None
    if binary is None or running is None or not running.emulator or not suffers(facts.probe):
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{running.path} is built for {running.arch} and runs on {binary.host.arch}: {running.emulator} translates "
        "every instruction of it.",
        (
            Evidence("its machine", running.arch, facts.file("binary")),
            Evidence("what runs it", running.emulator, facts.file("binary")),
            *probe_evidence(facts),
        ),
        f"Build it for linux/{binary.host.arch}, or give it a host that is {running.arch}.",
        0.5,
        LIKELY,
        f"Its build says GOARCH={binary.host.arch}, and nothing translates it.",
    )
