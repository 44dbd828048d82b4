"""What is seen of the services by whoever looks, page or script: one memory for all, so nothing is asked twice."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import TypeAdapter, ValidationError

from bot.domain.baseline import Baselines
from bot.domain.deploys import Deploy, deploys_key
from bot.domain.fronts import EdgeAnswer
from bot.domain.incident import ONGOING
from bot.domain.service import Service, Target
from bot.domain.sightings import Discovered
from bot.domain.timeline import Person
from bot.engine.authority import kept_freeze, kept_standing
from bot.engine.ports import Ports
from bot.ports import Selection, Tx
from handlers import readings
from handlers.lookout import Lookout, Seen
from handlers.service_views import Kept, Now, ServiceView, edge_row, target_row
from handlers.visible import found

LATEST = 10
"""So many of a service's latest incidents and drills are shown."""
_DEPLOYS: TypeAdapter[tuple[Deploy, ...]] = TypeAdapter(tuple[Deploy, ...])
_BEING_FOUND = "Which other targets it has is being asked."
_MOST_OPEN = 500


class Survey:
    """Looks at services, and remembers what was last seen of their targets and edges."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._found: Lookout[Discovered] = Lookout(ports.clock)
        self._now: Lookout[Now] = Lookout(ports.clock)
        self._edges: Lookout[tuple[EdgeAnswer, ...]] = Lookout(ports.clock)

    async def each(self, services: Sequence[Service], person: Person) -> list[ServiceView]:
        """Look at several services at once, as far as a list tells of them: without baselines and past incidents."""
        ports = self._ports
        asked, kept = await asyncio.gather(
            self._asked(services), ports.store.read(lambda tx: _kept(ports, tx, services, person))
        )
        return [self._view(each, kept[each.name], asked, Baselines()) for each in services]

    async def closely(self, service: Service, person: Person) -> ServiceView:
        """Look at one service, and at all that is kept of it."""
        ports = self._ports
        asked, kept, baselines = await asyncio.gather(
            self._asked([service]),
            ports.store.read(lambda tx: _closely(ports, tx, service, person)),
            readings.baselines(ports, service.name),
        )
        return self._view(service, kept, asked, baselines)

    async def _asked(self, services: Sequence[Service]) -> "_Asked":
        """Ask all targets and edges at once."""
        ports = self._ports
        found = await self._found.look({each.name: partial(ports.discovery.targets, each) for each in services})
        targets = [target for each in services for target in _targets(each, found)]
        now, edges = await asyncio.gather(
            self._now.look({target.name: partial(self._ask, target) for target in targets if target.url}),
            self._edges.look({edge.url: partial(ports.fronts.edge, edge) for each in services for edge in each.edges}),
        )
        return _Asked(found, now, edges)

    async def _ask(self, target: Target) -> Now:
        both = self._ports.targets.probe(target, 1), self._ports.fronts.certificate(target)
        return Now(*await asyncio.gather(*both))

    def _view(self, service: Service, kept: Kept, asked: "_Asked", baselines: Baselines) -> ServiceView:
        now, found = self._ports.clock.now(), asked.found.get(service.name)
        targets = [
            target_row(target, asked.now.get(target.name), baselines.of(target.name), kept.deploy, now)
            for target in _targets(service, asked.found)
        ]
        edges = [edge_row(edge, asked.edges.get(edge.url)) for edge in service.edges]
        return ServiceView(service, kept, targets, edges, found.what.losses if found else (_BEING_FOUND,))


@dataclass(frozen=True)
class _Asked:
    """What was asked of some services at once, by names and addresses."""

    found: Mapping[str, Seen[Discovered]]
    now: Mapping[str, Seen[Now]]
    edges: Mapping[str, Seen[tuple[EdgeAnswer, ...]]]


def _targets(service: Service, found: Mapping[str, Seen[Discovered]]) -> Sequence[Target]:
    """Give those that were found and those that are named; these alone while nobody has told the others."""
    return found[service.name].what.targets if service.name in found else service.targets


def _kept(ports: Ports, tx: Tx, services: Sequence[Service], person: Person) -> Mapping[str, Kept]:
    """Read what is kept of some services, and which of their incidents are open."""
    rows = found(ports, tx, person, Selection(statuses=ONGOING, drill=False, limit=_MOST_OPEN))
    kept = {}
    for each in services:
        notes = []
        try:
            freeze = kept_freeze(ports, tx, each.name)
        except ValidationError:
            freeze = None
            notes.append("Whether it is frozen cannot be read: nothing will be done to it.")
        standing, deploys = kept_standing(ports, tx, each.name), _deploys(ports, tx, each.name)
        kept[each.name] = Kept(freeze, standing, deploys, [row for row in rows if row.service == each.name], notes)
    return kept


def _closely(ports: Ports, tx: Tx, service: Service, person: Person) -> Kept:
    """Read what is kept of a service, its latest incidents too."""
    latest = found(ports, tx, person, Selection(service=service.name, limit=LATEST))
    return replace(_kept(ports, tx, [service], person)[service.name], latest=latest)


def _deploys(ports: Ports, tx: Tx, service: str) -> tuple[Deploy, ...]:
    """Give the deploys of a service, the latest first; none where they cannot be read."""
    text = ports.marks.get(tx, deploys_key(service))
    try:
        return _DEPLOYS.validate_json(text)[::-1] if text else ()
    except ValidationError:
        return ()
