"""Every port, wired once: what the engine and its tools are given of the world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.service import Catalog
from bot.engine.reading import Readings
from bot.ports import (
    Alerts,
    Anchors,
    Archive,
    Artifacts,
    Audits,
    Bell,
    Bundles,
    Chance,
    Checkup,
    Clock,
    Directory,
    Discovery,
    Documents,
    Doer,
    Fronts,
    Gateway,
    Gauges,
    Groups,
    Journal,
    Logs,
    Marks,
    Metrics,
    Observer,
    Pager,
    Poster,
    Prober,
    Replica,
    Repository,
    Rota,
    Router,
    Sessions,
    Store,
    Switches,
    Targets,
    Timeline,
    Tokens,
    Transcript,
    Unobserved,
    Verifier,
)


@dataclass(frozen=True)
class Ports:
    """Every port, wired once by the composition root."""

    store: Store
    timeline: Timeline
    journal: Journal
    alerts: Alerts
    clock: Clock
    bell: Bell
    artifacts: Artifacts
    audits: Audits
    anchors: Anchors
    bundles: Bundles
    discovery: Discovery
    targets: Targets
    switches: Switches
    chance: Chance
    replica: Replica
    archive: Archive
    repository: Repository
    logs: Logs
    documents: Documents
    directory: Directory
    groups: Groups
    pager: Pager
    rota: Rota
    poster: Poster
    prober: Prober
    transcript: Transcript
    metrics: Metrics
    router: Router
    fronts: Fronts
    gateway: Gateway
    doer: Doer
    marks: Marks
    sessions: Sessions
    tokens: Tokens
    checkup: Checkup
    verifier: Verifier
    gauges: Gauges
    catalog: Catalog
    observer: Observer = field(default_factory=Unobserved)
    readings: Readings = field(default_factory=Readings)
    # What of these belongs to a workspace of the chat, by the workspace's id ("": the one that is meant by default).
    of_workspace: Callable[[str], Mapping[str, Any]] = lambda _: {}

    def within(self, team: str) -> "Ports":
        """Give the ports as they are in a workspace: who is who there, who is on call, how people are reached."""
        return replace(self, **self.of_workspace(team))
