"""What playbooks ask a service's router while they look at its targets: what it counts, and whether it answers us."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.backends import Asked, Reading, routed
from bot.domain.dyeing import Request
from bot.domain.facts import Facts
from bot.domain.faults.lost_connections import FILE
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.engine.tools import Tools, adapter_of

_REQUESTS = 20
_SERVER_ERROR = 500


@dataclass(frozen=True)
class RouterSeen:
    """What a router counted at first (None: it does not tell), and what came of our own requests through it."""

    reading: Reading | None = None
    front: Asked = field(default=Asked())


@dataclass(frozen=True)
class RouterWatched:
    """Two readings of a router of a kind, and what came of our own requests; `sha256` is where that is kept."""

    router: str
    first: Reading
    second: Reading
    front: Asked
    sha256: str = ""
    bytes: int = 0
    file: str = FILE


async def see_router(tools: Tools, service: Service) -> RouterSeen:
    """Read what a service's router counts, and then send it some requests as users do."""
    reading = await _read(tools, service)
    if service.front is None:
        return RouterSeen(reading, Asked())
    requests = [Request(f"{tools.run_id}-{number}") for number in range(1, _REQUESTS + 1)]
    landed = await tools.ports.fronts.send(service.front, requests)
    bad = [each.error or f"answered {each.status}" for each in landed if each.error or each.status >= _SERVER_ERROR]
    return RouterSeen(reading, Asked(len(landed), len(bad), next(iter(bad), "")))


async def watch_router(tools: Tools, service: Service, seen: RouterSeen) -> RouterWatched | None:
    """Read the router again and keep both readings; None where they do not make a window."""
    first, second = seen.reading, await _read(tools, service) if seen.reading else None
    if first is None or second is None or service.route is None:
        return None
    watched = RouterWatched(service.route.kind, first, second, seen.front)
    stored = await tools.ports.artifacts.put(FILE, adapter_of(RouterWatched).dump_json(watched, indent=1))
    return replace(watched, sha256=stored.sha256, bytes=stored.bytes)


async def with_routed(
    tools: Tools, service: Service, watched: RouterWatched | None, facts: Mapping[str, Facts]
) -> dict[str, Facts]:
    """Add to the facts of every target what the router sent to it between two readings."""
    if watched is None:
        return dict(facts)
    targets = (await tools.targets(service)).targets
    known = routed(watched.router, watched.first, watched.second, targets, watched.front)
    return {name: replace(each, routed=known.get(name)) for name, each in facts.items()}


async def _read(tools: Tools, service: Service) -> Reading | None:
    told = await tools.ports.router.backends(service) if service.route else Missing("no router")
    return None if isinstance(told, Missing) else Reading(tools.now(), told)
