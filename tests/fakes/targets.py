"""Fakes of targets, and of who finds them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.service import Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import Captured, Part, Probe
from bot.ports import Keep, as_it_is


class FakeDiscovery:
    """Finds what it was given besides the named targets, one list after the other; the last again and again."""

    def __init__(self, *found: Discovered) -> None:
        self.found = list(found)

    async def targets(self, service: Service) -> Discovered:
        found = self.found.pop(0) if len(self.found) > 1 else next(iter(self.found), Discovered(()))
        return replace(found, targets=(*service.targets, *found.targets))


class FakeTargets:
    """Answers what it was given, by target's name; of a target it does not know, nothing was got."""

    def __init__(self, probes: Iterable[Probe] = (), captures: Iterable[Captured] = ()) -> None:
        self.probes = {probe.target: probe for probe in probes}
        self.captures = list(captures)
        self.asked: list[tuple[str, str]] = []
        self.parts: list[Part] = []

    async def probe(self, target: Target, requests: int = 5) -> Probe:
        self.asked.append((target.name, "probe"))
        return self.probes.get(target.name, Probe(target.name, requests, error="no answer"))

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        self.asked += [(target.name, part.name) for part in parts]
        self.parts += parts
        names = {part.name for part in parts}
        found = [one for one in self.captures if one.target == target.name and one.part in names]
        return tuple([await keep(one) for one in found])
