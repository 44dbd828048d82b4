"""Capture every target of a service: cheap parts from all, costly ones from the worst, one archive with a manifest."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from bot.engine import (
    CHEAP_PARTS,
    DUMP_BY_NAME,
    FIRST,
    GOROUTINE,
    HEAP,
    INTRUSIVE_REST,
    KERNEL_PARTS,
    LOG,
    READ_TWICE,
    RESTARTS,
    TLS,
    VERSION,
    Captured,
    CommandRejected,
    Danger,
    Keyed,
    Kind,
    Params,
    Part,
    PartStatus,
    Pick,
    Playbook,
    Probe,
    RouterSeen,
    RouterWatched,
    RunFailed,
    ServiceName,
    Signal,
    Stored,
    Target,
    Tools,
    again,
    drills,
    examine,
    explain_silence,
    intrusive_parts,
    is_starved,
    manifest,
    pick_intrusive,
    second_parts,
    see_router,
    size,
    watch_router,
)

_LONGEST_PROFILE_S = 30
_KEEPING_S = 3.0
"""Beyond what the parts may take: reading what decides whom to profile, keeping what came of it."""
_TURN_S = 0.2
_TELLING = (GOROUTINE.name, HEAP.name)


class Snapshot(Params):
    """Of which service (the incident's, if left out); `seconds` of CPU profile, 0 for none.

    `dump` names a target whose goroutine dump is wanted, however long it stops that process.
    """

    service: ServiceName = ""
    seconds: int = 2
    dump: Keyed = ""


@dataclass(frozen=True)
class Looked:
    """The cheap parts of every target; contents are in the artifact store."""

    service: str
    started_at: datetime
    parts: tuple[Captured, ...]
    probes: tuple[Probe, ...]
    summary: str
    router: RouterSeen = field(default=RouterSeen())  # a run of an older release has not looked


@dataclass(frozen=True)
class Profiled:
    """The costly parts of the picked targets, and why these; `first`: what their second reading is held against."""

    parts: tuple[Captured, ...]
    picks: tuple[Pick, ...]
    summary: str
    first: tuple[Captured, ...] = ()


@dataclass(frozen=True)
class Shared:
    """What one run profiled of a service, for every run of the next INTRUSIVE_REST; `seconds` of CPU profile."""

    run: str
    at: datetime
    seconds: int
    profiled: Profiled


@dataclass(frozen=True)
class Packed:
    """The finished snapshot: its archive, the record of each part, what was lost."""

    service: str
    started_at: datetime
    archive: Stored
    parts: tuple[Captured, ...]
    probes: tuple[Probe, ...]
    losses: tuple[str, ...]
    summary: str
    watched: RouterWatched | None = None

    @property
    def artifact(self) -> str:
        """The archive, for whoever asked."""
        return self.archive.sha256


@dataclass(frozen=True)
class _Seen:
    """What one target gave."""

    parts: tuple[Captured, ...]
    probe: Probe | None = None


playbook = Playbook("snapshot", "Capture every target of a service into one archive.", Snapshot)


@playbook.step("Look at every target")
async def look(tools: Tools, params: Snapshot) -> Looked:
    """Probe all targets and capture what costs them next to nothing, at once."""
    name = params.service or ((await tools.incident()).service if tools.incident_id else "")
    service = tools.service(name)
    found = await tools.targets(service)
    if not found.targets:
        raise CommandRejected(f"{service.name} has no targets. {found.mend}")
    if not 0 <= params.seconds <= _LONGEST_PROFILE_S:
        raise CommandRejected(f"seconds={params.seconds}: choose 0 to {_LONGEST_PROFILE_S}.")
    names = [target.name for target in found.targets]
    if params.dump and params.dump not in names:
        raise CommandRejected(f"dump={params.dump[:40]}: name one target, {', '.join(names)}.")
    started_at = tools.now()
    wanted = {target: _cheap_parts(by_name=target.name == params.dump) for target in found.targets}
    router, seen = await asyncio.gather(
        see_router(tools, service),
        asyncio.gather(*(tools.once(t.name, _Seen, partial(_look, tools, t, wanted[t], started_at)) for t in wanted)),
    )
    parts = tuple(part for each in seen for part in each.parts)
    kept = sum(part.status is PartStatus.OK for part in parts)
    return Looked(
        service.name,
        started_at,
        parts,
        tuple(each.probe for each in seen if each.probe),
        f"{_targets(len(found.targets))}, {kept} of {len(parts)} parts{found.caveat}",
        router,
    )


@playbook.step("Profile the worst", danger=Danger.INTRUSIVE)
async def profile(tools: Tools, params: Snapshot, looked: Looked) -> Profiled:
    """Take CPU profile and forced GC from at most three targets, unless the service had that just now."""
    if params.seconds == 0:
        return Profiled((), (), "none asked for")
    if (shared := await _shared(tools, looked.service, params.seconds)) is not None:
        return _told(shared, tools.now(), params.seconds)
    signals = await _signals(tools, looked)
    picks = pick_intrusive(signals)
    found = await tools.targets(tools.service(looked.service))
    targets = {target.name: target for target in found.targets}
    counts = {each.target: each.goroutines for each in signals}
    seen = await asyncio.gather(
        *(
            tools.once(
                p.target,
                _Seen,
                partial(_profile, tools, targets[p.target], looked.started_at, params.seconds, counts[p.target]),
            )
            for p in picks
        )
    )
    why = "; ".join(f"{pick.target}: {pick.why}" for pick in picks)
    picked = {pick.target for pick in picks}
    first = tuple(part for part in looked.parts if part.target in picked and part.part in READ_TWICE)
    profiled = Profiled(tuple(part for each in seen for part in each.parts), picks, why, first)
    if any(part.sha256 for part in profiled.parts):
        shared = Shared(tools.run_id, tools.now(), params.seconds, profiled)
        tools.keep(drills.profiled_key(looked.service), Shared, shared)
    else:
        await tools.hold(drills.turn_key(looked.service), 0.0)
    return profiled


@playbook.step("Pack the archive")
async def pack(tools: Tools, params: Snapshot, looked: Looked, profiled: Profiled) -> Packed:  # noqa: ARG001 - every step takes its params
    """Keep everything as one archive whose manifest says what is there and what is not."""
    parts = (*looked.parts, *profiled.parts)
    service = tools.service(looked.service)
    found = await tools.targets(service)
    listed = manifest(looked.service, looked.started_at, parts, looked.probes, found.losses)
    archive = await tools.ports.archive.pack(listed, partial(_content, tools))
    name = f"snapshot-{looked.service}-{looked.started_at:%Y%m%dT%H%M%SZ}.tar.gz"
    stored = await tools.ports.artifacts.put(name, archive)
    losses = listed.losses
    lost = f", {len(losses)} lost" if losses else ""
    got = len(parts) - len(losses) + len(found.losses)
    what = f"{_targets(len(listed.targets))}, {got} parts{lost}"
    tools.record(Kind.ARTIFACT, name=name, sha256=stored.sha256, bytes=stored.bytes, what=what, losses=list(losses))
    if not any(part.status is PartStatus.OK for part in parts):
        raise RunFailed(f"Nothing could be captured from {looked.service}. {_silence(parts, looked.probes, losses)}")
    summary = f"{what}, {size(stored.bytes)}{found.caveat}"
    watched = await watch_router(tools, service, looked.router)
    return Packed(looked.service, looked.started_at, stored, parts, looked.probes, losses, summary, watched)


def _silence(parts: Sequence[Captured], probes: Sequence[Probe], losses: Sequence[str]) -> str:
    """Say what is known of targets that gave nothing."""
    users = {probe.target: probe for probe in probes}
    asked = dict.fromkeys(part.target for part in parts)
    told = explain_silence([examine([p for p in parts if p.target == name], users.get(name)) for name in asked])
    return told or f"{next(iter(losses), 'No target answered')}."


async def _shared(tools: Tools, service: str, seconds: int) -> Shared | None:
    """Give what another run has profiled just now; wait for one that is at it; None: it is this run's turn.

    The turn lasts as long as profiling may take: if its run died, the next one waits no longer than that.
    """
    turn_s = sum(part.timeout_s for part in intrusive_parts(seconds)) + _KEEPING_S
    ours = False
    while True:
        shared = await tools.recall(drills.profiled_key(service), Shared)
        if shared is not None and tools.now() - shared.at < INTRUSIVE_REST:
            return shared
        if ours:
            return None
        ours = await tools.hold(drills.turn_key(service), turn_s) == tools.run_id
        if not ours:
            await tools.pause(_TURN_S)


def _told(shared: Shared, now: datetime, seconds: int) -> Profiled:
    """Say whose profiles these are, how old, and what they are short of."""
    age_s = max(0.0, (now - shared.at).total_seconds())
    short = f", {shared.seconds} s of CPU profile where {seconds} s were asked for" if seconds > shared.seconds else ""
    targets = ", ".join(pick.target for pick in shared.profiled.picks)
    summary = f"shared: run {shared.run} profiled {targets} {age_s:.0f} s ago{short}"
    before = (again(part, FIRST) for part in shared.profiled.first)
    parts = tuple(replace(part, run=shared.run) for part in (*shared.profiled.parts, *before))
    return Profiled(parts, shared.profiled.picks, summary)


def _targets(count: int) -> str:
    return "1 target captured" if count == 1 else f"{count} targets captured"


async def _signals(tools: Tools, looked: Looked) -> list[Signal]:
    """Give the signals by which targets are picked; of a target at a time its parts are in memory."""
    probes = {probe.target: probe for probe in looked.probes}
    signals = []
    for target in dict.fromkeys(part.target for part in looked.parts):
        telling = [part for part in looked.parts if part.target == target and part.part in _TELLING]
        parts = [replace(part, content=await _content(tools, part)) for part in telling]
        facts = await asyncio.to_thread(examine, parts, probes.get(target), stacks=False)
        heap_bytes = facts.heap.inuse_bytes if facts.heap else None
        signals.append(Signal(target, facts.goroutines, heap_bytes, facts.probe))
    return signals


def _cheap_parts(*, by_name: bool) -> tuple[Part, ...]:
    """Give what every target is asked for; one whose dump was asked for by name is to be stopped for it."""
    parts = (*CHEAP_PARTS, *KERNEL_PARTS)
    return tuple(DUMP_BY_NAME if by_name and part.name == DUMP_BY_NAME.name else part for part in parts)


async def _look(tools: Tools, target: Target, parts: Sequence[Part], began: datetime) -> _Seen:
    asked = ((LOG, target.tells_log), (VERSION, target.version), (TLS, target.secure_url), (RESTARTS, target.pods))
    wanted = (*parts, *(part for part, applies in asked if applies))
    probe, seen = await asyncio.gather(tools.ports.targets.probe(target), _capture(tools, target, wanted, began))
    return replace(seen, probe=probe)


async def _profile(tools: Tools, target: Target, began: datetime, seconds: int, goroutines: int | None) -> _Seen:
    """Profile a target and read it a second time: what is cumulative or stuck is seen only by two readings."""
    first = await _capture(tools, target, intrusive_parts(seconds), began)
    wanted = second_parts(goroutines, starved=is_starved(first.parts, seconds))
    second = await _capture(tools, target, wanted, began, again)
    return _Seen((*first.parts, *second.parts))


async def _capture(
    tools: Tools,
    target: Target,
    parts: Sequence[Part],
    began: datetime,
    named: Callable[[Captured], Captured] = lambda part: part,
) -> _Seen:
    """Capture parts and keep the bytes of each as it comes; the journal gets the records only."""
    at_s = round((tools.now() - began).total_seconds(), 3)

    async def keep(captured: Captured) -> Captured:
        told = replace(named(captured), at_s=at_s)
        if told.usable:
            await tools.ports.artifacts.put(told.file, told.content)
        return told.without_content()

    return _Seen(await tools.ports.targets.capture(target, parts, keep))


async def _content(tools: Tools, part: Captured) -> bytes:
    """Give a record its bytes back."""
    return (await tools.ports.artifacts.get(part.sha256) or b"") if part.sha256 else b""
