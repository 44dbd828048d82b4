"""From the parts of a capture to facts; what cannot be read is a loss with its reason."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from statistics import median
from typing import Any, TypeGuard

from bot.domain import modules
from bot.domain.binary import read as read_binary
from bot.domain.costs import ProfileMalformed
from bot.domain.crowds import count, crowds, with_waits
from bot.domain.facts import Build, Cpu, Facts, Heap, Loss, Place, Process, Sockets
from bot.domain.go_environment import DEPLOYED, RUNTIME
from bot.domain.goroutine_counts import counted, group_counts
from bot.domain.goroutine_dump import group
from bot.domain.goroutines import DumpMalformed, Goroutines, Group, group_profile
from bot.domain.handshakes import read as read_handshakes
from bot.domain.log_lines import LogSummary, summarise
from bot.domain.profile import Profile, decode
from bot.domain.readings import with_second
from bot.domain.restarts import read_restarts
from bot.domain.served import read_served
from bot.domain.snapshot import FIRST, SECOND, Captured, Probe
from bot.domain.stacks import Frame, in_handler, own_frame, own_path, servers
from bot.domain.stamp import Stamp, of_ldflags

TOP = 10
"""Places and groups kept of each kind: more than a person reads."""
STACK_FRAMES = 24
"""Frames kept of each group; the archive has the rest."""
ASSIST_FRAMES = frozenset({"runtime.gcAssistAlloc", "runtime.gcAssistAlloc1"})
GC_FRAMES = ASSIST_FRAMES | {"runtime.gcBgMarkWorker"}
"""Collecting in the background, and goroutines made to help. gcDrain alone misses the help (measured: 38 % of the
CPU where these two were 56 %, at 27 times the latency)."""
PORT_FRAMES = frozenset({"syscall.bind", "syscall.connect"})
"""Calls in which the kernel looks for a free local port: microseconds, unless hardly any is left."""
HEAPS = ("heap-gc" + SECOND, "heap-gc", "heap" + SECOND, "heap")
"""The parts that show a heap, the best one first."""
QUICK = frozenset({"goroutine", "mutex", "block", "threadcreate"})
"""Parts that cost a process a millisecond or two."""
NANOSECONDS = 1e9
FRACTIONS = frozenset({"uptime_s", "cpu_limit_cores"})
"""What of a process may be no whole number."""


def examine(captures: Iterable[Captured], probe: Probe | None = None, *, stacks: bool = True) -> Facts:
    """Read the parts of one target. Pure, and never raises for what a target sent.

    Without `stacks` it only counts: quicker, for who looks at many targets and asks for no places.
    """
    parts = {each.part: each for each in captures}
    target = next((each.target for each in parts.values()), probe.target if probe else "")
    losses = [Loss(each.part, each.status, each.error) for each in parts.values() if not each.usable]
    profiles = dict(_profiles(parts.values(), losses, stacks=stacks))
    kernel = {name: _document(part, losses) for name, part in parts.items() if part.file.endswith(".json")}
    build = _build(profiles.values(), kernel.get("build", {}), kernel.get("version", {}))
    dump = parts.get("goroutine-dump")
    grouped = _dump(dump, losses) if dump and dump.usable else None
    facts = Facts(
        target=target,
        build=build,
        modules=modules.read(kernel.get("build", {})),
        heap=_heap(profiles, build.module),
        cpu=_cpu(profiles.get("cpu"), build.module, _servers(profiles)),
        sockets=_sockets(kernel.get("sockets", {})),
        process=_process(kernel.get("process", {})),
        probe=probe,
        restarts=read_restarts(kernel.get("restarts", {})),
        pace_s=median([each.elapsed_s for each in parts.values() if each.part in QUICK and each.usable] or [0.0]),
        log=_log(parts.get("log")),
        tls=read_handshakes(kernel.get("tls", {})),
        binary=read_binary(kernel.get("binary", {})),
        losses=tuple(sorted(losses, key=lambda loss: loss.part)),
        files=tuple(sorted((each.part, each.file) for each in parts.values() if each.usable)),
    )
    facts = _with_contention(facts, profiles.get("mutex"))
    facts = _with_goroutines(facts, profiles, grouped)
    if not stacks:
        return facts
    tables = kernel.get("sockets" + FIRST, kernel.get("sockets", {})), kernel.get("sockets" + SECOND, {})
    return with_second(
        facts, parts, profiles, tables, (_sockets(tables[1]), _process(kernel.get("process" + SECOND, {})))
    )


def _profiles(parts: Iterable[Captured], losses: list[Loss], *, stacks: bool) -> Iterable[tuple[str, Profile]]:
    for each in parts:
        if each.usable and each.file.endswith(".pb.gz"):
            try:
                yield each.part, decode(each.content, stacks=stacks)
            except ProfileMalformed as error:
                losses.append(Loss(each.part, each.status, str(error)))


def _document(part: Captured, losses: list[Loss]) -> Mapping[str, Any]:
    if not part.usable:
        return {}
    try:
        document = json.loads(part.content)
    except ValueError as error:
        losses.append(Loss(part.part, part.status, f"not JSON: {error}"))
        return {}
    return document if isinstance(document, dict) else {}


def _dump(part: Captured, losses: list[Loss]) -> Goroutines | None:
    """Read a dump; what the runtime or a damage kept from us is a loss even where the rest can be used."""
    try:
        found = group_counts(part.content) if counted(part.content) else group(part.content)
    except DumpMalformed as error:
        losses.append(Loss(part.part, part.status, str(error)))
        return None
    if found.truncated or part.error:
        reason = part.error or f"there are more goroutines than the {found.total} in it"
        losses.append(Loss(part.part, part.status, reason))
    if found.damage:
        reason = f"damaged at {found.damage} (places: {found.garbled}): {found.total} goroutines could be read"
        losses.append(Loss(part.part, part.status, reason))
    return found


def _with_goroutines(facts: Facts, profiles: Mapping[str, Profile], grouped: Goroutines | None) -> Facts:
    """Count by the profile, which is exact; group by the dump where there is one, as only it tells waiting times."""
    counted_by = profiles.get("goroutine") or profiles.get("goroutine" + SECOND)  # a starved process may give one only
    exact = group_profile(counted_by) if counted_by is not None else None
    best = grouped if grouped and grouped.total else exact
    leaks = _leaks(profiles)
    if best is None:
        return facts
    first = count(exact or best, facts.build.module)
    waits = count(grouped, facts.build.module).waits if grouped else {}
    return replace(
        facts,
        goroutines=exact.total if exact else best.total,
        groups=_short(best),
        crowds=with_waits(crowds(first), waits),
        handling=first.handling,
        attended=first.attended if exact else None,
        orphans=first.orphans,
        leaked=leaks.total if leaks else None,
        leaked_groups=_short(leaks) if leaks else (),
    )


def _leaks(profiles: Mapping[str, Profile]) -> Goroutines | None:
    """Give the goroutines proven leaked; Go 1.27 may go on counting some that ended, and has no stack for these."""
    if "goroutineleak" not in profiles:
        return None
    groups = tuple(each for each in group_profile(profiles["goroutineleak"]).groups if each.stack)
    return Goroutines(sum(each.count for each in groups), groups)


def _short(goroutines: Goroutines) -> tuple[Group, ...]:
    return tuple(replace(each, stack=each.stack[:STACK_FRAMES]) for each in goroutines.groups[:TOP])


def _places(found: Iterable[tuple[Frame, int]], total: int) -> tuple[Place, ...]:
    return tuple(
        Place(frame, amount, amount / total) for frame, amount in list(found)[:TOP] if amount > 0 and total > 0
    )


def _own(profile: Profile, value: str, module: str) -> tuple[Place, ...]:
    """Add up a value by the innermost own frame of each stack."""
    return _places(profile.by_frame(value, lambda stack: own_frame(stack, module)), profile.total(value))


def _heap(profiles: Mapping[str, Profile], module: str) -> Heap | None:
    part = next((name for name in HEAPS if name in profiles), "")
    if not part:
        return None
    profile = profiles[part]
    holding = _own(profile, "inuse_space", module)
    current = part.startswith("heap-gc")
    return Heap(profile.total("inuse_space"), profile.total("inuse_objects"), holding, current, part)


def _servers(profiles: Mapping[str, Profile]) -> frozenset[str]:
    known = profiles.get("goroutine") or profiles.get("goroutine" + SECOND)
    return servers(each.stack for each in known.samples) if known else frozenset()


def _cpu(profile: Profile | None, module: str, own_servers: frozenset[str]) -> Cpu | None:
    if profile is None:
        return None
    total = profile.total("cpu")
    seconds = profile.duration_ns / NANOSECONDS

    def allocator(stack: Sequence[Frame]) -> Frame | None:
        return own_frame(stack, module) if any(_allocates(frame.function) for frame in stack) else None

    return Cpu(
        samples=profile.total("samples"),
        seconds=round(seconds, 3),
        cores=round(total / NANOSECONDS / seconds, 3) if seconds else 0.0,
        gc_share=profile.share("cpu", GC_FRAMES.__contains__),
        malloc_share=profile.share("cpu", _allocates),
        top=_places(((cost.frame, cost.flat) for cost in profile.top("cpu")), total),
        own=_own(profile, "cpu", module),
        allocating=_places(profile.by_frame("cpu", allocator), total),
        assist_share=profile.share("cpu", ASSIST_FRAMES.__contains__),
        port_share=profile.share("cpu", PORT_FRAMES.__contains__),
        under=_under(profile, module, lambda _stack: True),
        serving=_under(profile, module, lambda stack: in_handler(stack, own_servers)),
    )


def _under(profile: Profile, module: str, counts: Callable[[Sequence[Frame]], bool]) -> tuple[Place, ...]:
    """Add up by own function with all that it calls; of two that cost the same, the one called is the root."""
    at = profile.index("cpu")
    sums: Counter[str] = Counter()
    lines: dict[str, Counter[Frame]] = defaultdict(Counter)
    depth: dict[str, int] = {}
    for sample in profile.samples:
        path = own_path(sample.stack, module) if counts(sample.stack) else ()
        for place, frame in enumerate(path):
            depth[frame.function] = max(depth.get(frame.function, 0), place)
        for frame in {frame.function: frame for frame in reversed(path)}.values():
            sums[frame.function] += sample.values[at]
            lines[frame.function][frame] += sample.values[at]
    ranked = sorted(sums, key=lambda name: (-sums[name], depth[name], name))
    return _places(((lines[name].most_common(1)[0][0], sums[name]) for name in ranked), profile.total("cpu"))


def _allocates(function: str) -> bool:
    return function.startswith("runtime.mallocgc")


def _with_contention(facts: Facts, mutex: Profile | None) -> Facts:
    """Read the time lost to locks since the process started. Nothing recorded is unknown: the rate may be off."""
    if mutex is None or not mutex.samples:
        return facts
    own = _own(mutex, "delay", facts.build.module)
    return replace(facts, mutex_delay_s=round(mutex.total("delay") / NANOSECONDS, 3), mutex=own)


def _log(part: Captured | None) -> LogSummary | None:
    return summarise(part.content.decode("utf-8", "replace")) if part and part.usable else None


def _build(profiles: Iterable[Profile], document: Mapping[str, Any], served: Mapping[str, Any]) -> Build:
    """Give which program it is: the link id of profiles, the binary's own words, else what it serves or was stamped."""
    ids = [profile.build_id for profile in profiles if profile.build_id]
    settings = document.get("settings")
    known = settings if isinstance(settings, dict) else {}
    told = read_served(served)
    stamp = of_ldflags(str(known.get("-ldflags", "")))  # go leaves the flags out of what was built with -trimpath
    stamp = told.stamp if stamp == Stamp() else stamp
    by_binary, environment = bool(known.get("vcs.revision")), document.get("environment")
    deployed = environment if isinstance(environment, dict) else {}
    return Build(
        id=ids[0] if ids else "",
        go=str(document.get("go", "")) or told.go,
        module=str(document.get("module", "")),
        revision=str(known.get("vcs.revision", "")) or told.revision or stamp.revision,
        # A stamp is made before the build: without changes then, there may still have been some.
        modified=stamp.modified or (known.get("vcs.modified") == "true" if by_binary else told.modified),
        release=told.release,
        environment=_environment(environment),
        told=told.revision,
        stamp=stamp,
        runs_in=next((str(deployed[name]) for name in DEPLOYED if deployed.get(name)), ""),
    )


def _environment(told: object) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(told, dict):
        return None
    return tuple(sorted((str(name), str(value)) for name, value in told.items() if name in RUNTIME))


def _sockets(document: Mapping[str, Any]) -> Sockets | None:
    states = document.get("states")
    if not isinstance(states, dict):
        return None
    known = {str(state): count for state, count in states.items() if _is_count(count)}
    counts = sorted(known.items(), key=lambda item: (-item[1], item[0]))
    unsent, ephemeral = document.get("unsent"), document.get("ephemeral_ports")
    told = document.get("closed_to")
    closed = {str(peer): count for peer, count in told.items() if _is_count(count)} if isinstance(told, dict) else {}
    return Sockets(
        tuple(counts),
        unsent if _is_count(unsent) else 0,
        ephemeral if _is_count(ephemeral) else 0,
        tuple(sorted(closed.items(), key=lambda item: (-item[1], item[0]))),
    )


def _process(document: Mapping[str, Any]) -> Process | None:
    known = {name: document.get(name) for name in Process.__dataclass_fields__}
    fit: dict[str, Any] = {name: value for name, value in known.items() if _fits(name, value)}
    return Process(**fit) if "pid" in fit else None


def _fits(name: str, value: object) -> bool:
    """Tell whether a value is what a process can have there: what is not stays unknown."""
    if name in {"peer", "state"}:
        return isinstance(value, str)
    return _is_count(value) or (isinstance(value, float) and isfinite(value) and name in FRACTIONS)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
