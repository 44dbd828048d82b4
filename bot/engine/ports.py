"""Every port, wired once: what the engine and its tools are given of the world."""

from dataclasses import dataclass

from bot.domain.service import Catalog
from bot.ports import (
    Alerts,
    Anchors,
    Archive,
    Artifacts,
    Bell,
    Bundles,
    Checkup,
    Clock,
    Directory,
    Documents,
    Fronts,
    Journal,
    Marks,
    Metrics,
    Pager,
    Poster,
    Repository,
    Rota,
    Router,
    Store,
    Targets,
    Timeline,
    Transcript,
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
    anchors: Anchors
    bundles: Bundles
    targets: Targets
    archive: Archive
    repository: Repository
    documents: Documents
    directory: Directory
    pager: Pager
    rota: Rota
    poster: Poster
    transcript: Transcript
    metrics: Metrics
    router: Router
    fronts: Fronts
    marks: Marks
    checkup: Checkup
    catalog: Catalog
