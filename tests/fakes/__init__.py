"""The ports in memory, small enough to be seen through; the contract suites hold them to what the adapters do."""

from bot.domain.service import Catalog
from bot.engine.tools import Ports
from tests.fakes.keeping import (
    NOON,
    FakeAlerts,
    FakeBell,
    FakeClock,
    FakeJournal,
    FakeMarks,
    FakeStore,
    FakeSurfaces,
    FakeTimeline,
    FakeTx,
)
from tests.fakes.world import (
    FakeAnchors,
    FakeArchive,
    FakeArtifacts,
    FakeBundles,
    FakeCheckup,
    FakeDirectory,
    FakeDocuments,
    FakeFronts,
    FakeMetrics,
    FakePager,
    FakePoster,
    FakeRepository,
    FakeRota,
    FakeTargets,
    FakeTranscript,
)

__all__ = [
    "NOON",
    "FakeAlerts",
    "FakeAnchors",
    "FakeArchive",
    "FakeArtifacts",
    "FakeBell",
    "FakeBundles",
    "FakeCheckup",
    "FakeClock",
    "FakeDirectory",
    "FakeDocuments",
    "FakeFronts",
    "FakeJournal",
    "FakeMarks",
    "FakeMetrics",
    "FakePager",
    "FakePoster",
    "FakeRepository",
    "FakeRota",
    "FakeStore",
    "FakeSurfaces",
    "FakeTargets",
    "FakeTimeline",
    "FakeTranscript",
    "FakeTx",
    "fake_ports",
]


def fake_ports(catalog: Catalog | None = None) -> Ports:
    """Wire every fake."""
    clock, bell = FakeClock(), FakeBell()
    return Ports(
        store=FakeStore(bell.ring),
        timeline=FakeTimeline(),
        journal=FakeJournal(clock),
        alerts=FakeAlerts(),
        clock=clock,
        bell=bell,
        artifacts=FakeArtifacts(),
        anchors=FakeAnchors(),
        bundles=FakeBundles(),
        targets=FakeTargets(),
        archive=FakeArchive(),
        repository=FakeRepository(),
        documents=FakeDocuments(),
        directory=FakeDirectory(),
        pager=FakePager(),
        rota=FakeRota(),
        poster=FakePoster(),
        transcript=FakeTranscript(),
        metrics=FakeMetrics(),
        fronts=FakeFronts(),
        marks=FakeMarks(),
        checkup=FakeCheckup(),
        catalog=catalog or Catalog(),
    )
