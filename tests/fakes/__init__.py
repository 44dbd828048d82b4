"""The ports in memory, small enough to be seen through; the contract suites hold them to what the adapters do."""

from typing import Any

from bot.domain.run import Missing
from bot.domain.service import Catalog
from bot.engine.ports import Ports
from tests.fakes.bisecting import FakeProber
from tests.fakes.chance import FakeChance
from tests.fakes.keeping import (
    NOON,
    FakeAlerts,
    FakeBell,
    FakeClock,
    FakeInstallations,
    FakeJournal,
    FakeMarks,
    FakeStore,
    FakeSurfaces,
    FakeTx,
)
from tests.fakes.logs import FakeLogs
from tests.fakes.observing import FakeGauges
from tests.fakes.replica import FakeReplica
from tests.fakes.repositories import FakeRepository
from tests.fakes.routers import FakeCounters, FakeMetrics, FakeRouter
from tests.fakes.signing import FakeSessions, FakeTokens
from tests.fakes.switches import FakeSwitches
from tests.fakes.targets import FakeDiscovery, FakeTargets
from tests.fakes.timeline import FakeTimeline
from tests.fakes.verifier import FakeVerifier
from tests.fakes.world import (
    FakeAnchors,
    FakeArchive,
    FakeArtifacts,
    FakeAudits,
    FakeBundles,
    FakeCheckup,
    FakeDirectory,
    FakeDocuments,
    FakeDoer,
    FakeFronts,
    FakeGateway,
    FakeGroups,
    FakePager,
    FakePoster,
    FakeRota,
    FakeTranscript,
)

__all__ = [
    "NOON",
    "FakeAlerts",
    "FakeAnchors",
    "FakeArchive",
    "FakeArtifacts",
    "FakeAudits",
    "FakeBell",
    "FakeBundles",
    "FakeChance",
    "FakeCheckup",
    "FakeClock",
    "FakeCounters",
    "FakeDirectory",
    "FakeDiscovery",
    "FakeDocuments",
    "FakeDoer",
    "FakeFronts",
    "FakeGateway",
    "FakeGauges",
    "FakeGroups",
    "FakeInstallations",
    "FakeJournal",
    "FakeLogs",
    "FakeMarks",
    "FakeMetrics",
    "FakePager",
    "FakePoster",
    "FakeProber",
    "FakeReplica",
    "FakeRepository",
    "FakeRota",
    "FakeRouter",
    "FakeSessions",
    "FakeStore",
    "FakeSurfaces",
    "FakeSwitches",
    "FakeTargets",
    "FakeTimeline",
    "FakeTokens",
    "FakeTranscript",
    "FakeTx",
    "FakeVerifier",
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
        audits=FakeAudits(Missing("nobody answers")),
        anchors=FakeAnchors(),
        bundles=FakeBundles(),
        discovery=FakeDiscovery(),
        targets=FakeTargets(),
        archive=FakeArchive(),
        repository=FakeRepository(),
        logs=FakeLogs(),
        verifier=FakeVerifier(),
        documents=FakeDocuments(),
        pager=FakePager(),
        rota=FakeRota(),
        poster=FakePoster(),
        prober=FakeProber({}),
        transcript=FakeTranscript(),
        metrics=FakeMetrics(),
        router=FakeRouter(),
        fronts=FakeFronts(),
        gateway=FakeGateway(),
        switches=FakeSwitches(),
        chance=FakeChance(),
        replica=FakeReplica(),
        doer=FakeDoer(),
        marks=FakeMarks(),
        checkup=FakeCheckup(),
        catalog=catalog or Catalog(),
        **_people(),
        gauges=FakeGauges(),
    )


def _people() -> dict[str, Any]:
    """Wire who there is, and who has signed in."""
    known = {"directory": FakeDirectory(), "groups": FakeGroups()}
    return {**known, "sessions": FakeSessions(), "tokens": FakeTokens()}
