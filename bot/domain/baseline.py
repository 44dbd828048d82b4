"""What a service's targets were like in a healthy time: what a sick one is held against when all are sick alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.facts import Facts
from bot.domain.snapshot import Captured

PICTURED = {"cpu": ("cpu",), "allocs": ("heap-gc", "heap"), "heap": ("heap-gc", "heap")}
"""Of each profile worth a differential flame graph: the parts that give it, the better one first."""

MOST = 200
"""So many targets of a service are remembered, the latest: replicas that are found have new names after a deploy."""


@dataclass(frozen=True)
class Baseline:
    """One target in a healthy time: its facts, when (UTC), and by profile (cpu, allocs, heap) its artifact's sha256.

    A profile that was not taken is not in `profiles`; an artifact may be gone by now, as any may.
    """

    facts: Facts
    taken_at: datetime
    profiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Baselines:
    """The baselines of a service's targets, by target."""

    targets: Mapping[str, Baseline] = field(default_factory=dict)

    def of(self, target: str) -> Baseline | None:
        """Give the baseline of a target; None when none was ever taken."""
        return self.targets.get(target)


def remember(known: Baselines, healthy: Iterable[Facts], parts: Iterable[Captured], taken_at: datetime) -> Baselines:
    """Take what was just seen of healthy targets; one without a CPU profile does not displace one that has it."""
    kept = dict(known.targets)
    digests = {(part.target, part.part): part.sha256 for part in parts if part.sha256}
    for facts in healthy:
        before = kept.get(facts.target)
        if facts.goroutines is None or (before is not None and facts.cpu is None and before.facts.cpu is not None):
            continue
        given = {
            name: next((digests[facts.target, part] for part in ways if (facts.target, part) in digests), "")
            for name, ways in PICTURED.items()
        }
        profiles = {name: digest for name, digest in given.items() if digest}
        kept[facts.target] = Baseline(replace(facts, losses=(), files=(), modules=None), taken_at, profiles)
    latest = sorted(kept, key=lambda name: kept[name].taken_at)[-MOST:]
    return Baselines({name: kept[name] for name in latest})


def baseline_key(service: str) -> str:
    """Name the mark under which a service's baselines are kept."""
    return f"baseline:{service}"
