"""Say how a team's services are: what changed since the last time, the most important first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.engine import (
    BUILD,
    GOROUTINE,
    HEAP,
    VIA_CLOCK,
    Facts,
    Incident,
    Kind,
    Missing,
    Params,
    Picture,
    Playbook,
    Posted,
    Reply,
    Seen,
    Service,
    Status,
    Target,
    TeamName,
    Tools,
    Usual,
    digests,
    examine,
    gates,
    overdue_actions,
    png,
    scores,
    stalk_key,
    usual_key,
)

_AT_ONCE = 10
_AGAIN_AT_ONCE = 3
_REQUESTS = 3
_LATEST = 300
_LONGEST_WAIT_S = 60.0
_DRAWN = {"errors": ("failed, %", 100.0), "latency": ("95th percentile, ms", 1_000.0)}


class Digest(Params):
    """Of which team; left out, of the only one, or of everything."""

    team: TeamName = ""


@dataclass(frozen=True)
class Looked:
    """Every service as it is now."""

    at: datetime
    sights: tuple[digests.ServiceSight, ...]


@dataclass(frozen=True)
class Written:
    """The digest in Markdown; `changed` tells whether it differs from the last one, which `seen` is for the next.

    `ill` is the number worth drawing: of which service, and whether it is its errors or its latency.
    """

    text: str
    changed: bool
    lines: int
    seen: Seen
    ill: tuple[str, str] | None = None


playbook = Playbook(
    "digest", "Say how a team's services are, and what changed since its last digest.", Digest, quiet=True
)


@playbook.step("Look at every service")
async def look(tools: Tools, params: Digest) -> Looked:
    """Probe, count, read certificates, edges and metrics; a few at a time, since whoever is busy measures itself."""
    gate, later = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_AGAIN_AT_ONCE)
    services = _services(tools, _plan(tools, params.team))
    first = await asyncio.gather(*(_look(tools, each, gate) for each in services))
    sights = await asyncio.gather(*(_again(tools, *both, later) for both in zip(services, first, strict=True)))
    return Looked(tools.now(), tuple(sights))


@playbook.step("Write what changed")
async def write(tools: Tools, params: Digest, looked: Looked) -> Written:
    """Compare with what the last digest saw; learn what is usual from what is well."""
    plan = _plan(tools, params.team)
    before = await tools.recall(_key(plan), Seen)
    length = digests.period(before, looked.at)
    incidents = await _incidents(tools, plan, looked.at - 2 * length)
    public = [each for each in incidents if not (each.private or each.drill)]
    found: list[digests.Condition] = [*digests.of_incidents(public, looked.at), *await _overdue(tools, plan, looked.at)]
    for sight in looked.sights:
        found += digests.of_denied(await gates.told_deploys(tools, sight.service), looked.at)
        usual = await tools.recall(usual_key(sight.service), Usual) or Usual()
        of_service = digests.conditions(sight, usual, looked.at)
        found += of_service
        found += digests.of_guard(sight.service, await _guarded(tools, sight.service))
        if not any(_concerns(each, sight.service) for each in incidents):
            learned = _learned(usual, sight, of_service, looked.at)
            if learned != usual:
                tools.keep(usual_key(sight.service), Usual, learned)
    counted = digests.count_incidents(public, looked.at, length)
    digest, seen = digests.write(looked.sights, found, before, looked.at, counted)
    digest = replace(digest, drills=await _drills(tools, plan, looked.at - length))
    return Written(digest.text(f"Health of {plan.team}"), digest.changed, len(digest.lines), seen, _ill(looked, found))


@playbook.step("Draw the trend")
async def draw(tools: Tools, params: Digest, looked: Looked, written: Written) -> digests.Trend:
    """Draw incidents by the day, and the worst service's worst number; nothing when there is nothing to say."""
    if not written.lines or tools.run_row.source.via != VIA_CLOCK:
        return digests.Trend()
    plan = _plan(tools, params.team)
    rows = await tools.incidents(ended=True, limit=_LATEST)
    # It is for all of a channel, and counts what the words above it count.
    real = [row for row in rows if row.counts and not (row.private or row.drill)]
    ours = [row.opened_at.date() for row in real if not plan.services or row.service in plan.services]
    panels = (digests.incidents_per_day(ours, looked.at.date()), await _history(tools, written.ill, looked.at))
    return digests.Trend(tuple(panel for panel in panels if panel is not None))


@playbook.step("Post it once")
async def post(tools: Tools, params: Digest, written: Written, trend: digests.Trend) -> Reply:
    """Post what the clock asked for; whoever typed the verb gets it as the answer."""
    if tools.run_row.source.via != VIA_CLOCK:
        return Reply(written.text)
    plan, slot = _plan(tools, params.team), tools.run_row.slot
    kept = await tools.recall(stalk_key(plan.team), bool)
    if (plan.stalk if kept is None else kept) and not written.changed:
        return Reply(f"Nothing changed for {plan.team}.")
    picture = Picture(f"Trend: {trend.title}", trend.words, png(trend)) if trend.panels else None
    posted = await _post(tools, plan, written.text, slot, picture)
    if posted.ok:
        tools.keep(_key(plan), Seen, written.seen)
    told = {"posted": posted.ref, "reason": posted.reason, "lines": written.lines}
    tools.record(Kind.DIGEST, team=plan.team, slot=slot.split(":", 3)[-1], channel=plan.channel, **told)
    return Reply(written.text)


async def _post(tools: Tools, plan: digests.DigestPlan, text: str, key: str, picture: Picture | None) -> Posted:
    """Try until it stands there, is refused for good, or is too old to be of use."""
    until = tools.now() + timedelta(minutes=plan.grace_min)
    wait_s = 1.0
    while True:
        posted = await tools.ports.poster.post(plan.channel, text, key, picture)
        if posted.ok or not posted.again or tools.now() >= until:
            return posted
        await tools.pause(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _plan(tools: Tools, team: str) -> digests.DigestPlan:
    if not team and len(tools.catalog.digests) != 1:
        return digests.DigestPlan("every service", "", "", "", ())
    return tools.digest_plan(team)


def _key(plan: digests.DigestPlan) -> str:
    return f"digest:{plan.team}"


def _services(tools: Tools, plan: digests.DigestPlan) -> list[Service]:
    return [each for each in tools.catalog.services if not plan.services or each.name in plan.services]


async def _incidents(tools: Tools, plan: digests.DigestPlan, since: datetime) -> list[Incident]:
    """Give the team's incidents that are open, or began since then."""
    latest = [*await tools.incidents(limit=_LATEST), *await tools.incidents(ended=True, limit=_LATEST)]
    ids = dict.fromkeys(
        row.id
        for row in latest
        if (not plan.services or row.service in plan.services)
        and (row.opened_at >= since or row.status in {Status.OPEN, Status.MITIGATED})
    )
    return [await tools.incident_named(incident_id) for incident_id in ids]


async def _drills(tools: Tools, plan: digests.DigestPlan, since: datetime) -> str:
    """Tell the league of the team's drills, if one of them is newer than the last digest."""
    kept = scores.read(await tools.ports.store.read(tools.ports.timeline.drills))
    ours = [each for each in kept if not plan.services or each.service in plan.services]
    return digests.league.tell(digests.league.league(ours)) if any(each.began_at >= since for each in ours) else ""


async def _overdue(tools: Tools, plan: digests.DigestPlan, now: datetime) -> list[digests.Condition]:
    """Give a condition for every action item of the team's incidents whose day has passed."""
    late = overdue_actions(await tools.ports.store.read(tools.ports.timeline.actions), now.date())
    services = {each: (await tools.incident_named(each)).service for each in {item.incident_id for item in late}}
    ours = [item for item in late if not plan.services or services[item.incident_id] in plan.services]
    return list(digests.of_actions(ours, now.date()))


async def _guarded(tools: Tools, name: str) -> digests.Guarded | None:
    """Give what the guard saw of a service last; what somebody asked about one that is not guarded is theirs alone."""
    service = tools.catalog.service(name)
    if service is None or service.guard is None:
        return None
    return await tools.recall(digests.guard_key(name), digests.Guarded)


def _concerns(incident: Incident, service: str) -> bool:
    return incident.status in {Status.OPEN, Status.MITIGATED} and incident.service in {"", service}


def _learned(usual: Usual, sight: digests.ServiceSight, found: Sequence[digests.Condition], at: datetime) -> Usual:
    """Learn from every target nothing is wrong with, a certificate aside."""
    ill = {each.key.partition(":")[2] for each in found if not each.key.startswith("certificate:")}
    if sight.service not in ill:
        usual = digests.learn(usual, "", sight.numbers, at)
    for target in sight.targets:
        if target.target not in ill:
            usual = digests.learn(usual, target.target, target.numbers, at)
    return usual


async def _look(tools: Tools, service: Service, gate: asyncio.Semaphore) -> digests.ServiceSight:
    found = await tools.targets(service)
    targets, (error_ratio, latency), answers = await asyncio.gather(
        asyncio.gather(*(_target(tools, each, gate) for each in found.targets)),
        _metrics(tools, service, gate),
        asyncio.gather(*(_edge(tools, edge, gate) for edge in service.edges)),
    )
    missing = next((each.reason for each in (error_ratio, latency) if isinstance(each, Missing)), "")
    if service.prometheus and error_ratio is None and latency is None:
        missing = f"{service.prometheus} knows of no requests in the last 5 min"
    both = zip(service.edges, answers, strict=True)
    flaws = (
        *digests.unlisted(service.name, found.losses),
        *(flaw for edge, at in both for flaw in digests.edge_flaws(edge, at)),
    )
    return digests.ServiceSight(
        service=service.name,
        targets=tuple(targets),
        error_ratio=error_ratio if isinstance(error_ratio, float) else None,
        numbers={"latency": 1_000 * latency} if isinstance(latency, float) else {},
        metrics=missing,
        flaws=flaws,
    )


async def _again(
    tools: Tools, service: Service, sight: digests.ServiceSight, gate: asyncio.Semaphore
) -> digests.ServiceSight:
    """Look once more, calmly, at whoever gave no answer: it may have been we who were slow."""
    both = zip((await tools.targets(service)).targets, sight.targets, strict=True)
    seen = [await _target(tools, target, gate) if was.is_unheard else was for target, was in both]
    return replace(sight, targets=tuple(seen))


async def _edge(tools: Tools, edge: digests.Edge, gate: asyncio.Semaphore) -> tuple[digests.EdgeAnswer, ...]:
    async with gate:
        return await tools.ports.fronts.edge(edge)


async def _target(tools: Tools, target: Target, gate: asyncio.Semaphore) -> digests.TargetSight:
    ports = tools.ports
    async with gate:
        probe, parts, certificate = await asyncio.gather(
            ports.targets.probe(target, _REQUESTS),
            ports.targets.capture(target, [GOROUTINE, HEAP, BUILD]),
            ports.fronts.certificate(target),
        )
    facts = await asyncio.to_thread(examine, parts, probe, stacks=False)
    numbers = {
        "goroutines": facts.goroutines,
        "heap": facts.heap.inuse_bytes if facts.heap else None,
        "answer": probe.p50_ms if not probe.failures else None,
    }
    return digests.TargetSight(
        target=target.name,
        probe=probe if probe.requests else None,
        certificate=certificate,
        numbers={name: float(value) for name, value in numbers.items() if value is not None},
        build=str(facts.build) if facts.build.id or facts.build.revision else "",
        reason="" if facts.goroutines is not None else _why(facts),
    )


def _why(facts: Facts) -> str:
    reasons = [loss.reason for loss in facts.losses if loss.part == GOROUTINE.name]
    return reasons[0].removeprefix(f"{facts.target}: ") if reasons else "nothing was captured"


Number = float | Missing | None


async def _metrics(tools: Tools, service: Service, gate: asyncio.Semaphore) -> tuple[Number, Number]:
    """Ask for the share of failed requests, and for the 95th percentile of latency in seconds."""
    if service.prometheus is None:
        return None, None
    queries = service.queries
    async with gate:
        error_ratio, latency = await asyncio.gather(
            _number(tools, service.prometheus, queries["errors"]),
            _number(tools, service.prometheus, queries["latency"]),
        )
    return error_ratio, latency


def _ill(looked: Looked, found: Sequence[digests.Condition]) -> tuple[str, str] | None:
    """Give the worst service whose errors or latency stand out, and which of them."""
    services = {sight.service for sight in looked.sights}
    for each in sorted(found, key=lambda one: -one.weight):
        what, _, service = each.key.partition(":")
        if what in _DRAWN and service in services:
            return service, what
    return None


async def _history(tools: Tools, ill: tuple[str, str] | None, now: datetime) -> digests.Panel | None:
    if ill is None:
        return None
    name, what = ill
    service, (unit, scale) = tools.service(name), _DRAWN[what]
    if service.prometheus is None:
        return None
    length = timedelta(hours=digests.HOURS)
    values = await tools.ports.metrics.history(service.prometheus, service.queries[what], now, length, digests.STEP)
    if isinstance(values, Missing):
        return None
    return digests.over_hours(f"{name}: {unit}", [None if value is None else scale * value for value in values])


async def _number(tools: Tools, prometheus: str, query: str) -> Number:
    samples = await tools.ports.metrics.ask(prometheus, query)
    if isinstance(samples, Missing):
        return samples
    return max((sample.value for sample in samples), default=None)
