"""The world outside as one file of what was done to it; a process dies right after it did something."""

import asyncio
import functools
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from bot.adapters.anchors import FileAnchors
from bot.adapters.archive import TarArchive
from bot.adapters.artifacts import FolderArtifacts
from bot.domain.audits import Subject
from bot.domain.bisect.results import Result
from bot.domain.drills import Size
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.domain.snapshot import Captured, Part
from bot.domain.timeline import Person
from bot.domain.traffic import CLOSED, Move, Split
from bot.engine.ports import Ports
from bot.engine.tools import adapter_of
from bot.ports import Keep, Posted, Pushed, Reached, as_it_is
from tests.bisecting.entries import MAIL
from tests.fakes import (
    FakeAudits,
    FakeBundles,
    FakeCounters,
    FakeDirectory,
    FakeDiscovery,
    FakeLogs,
    FakePager,
    FakePoster,
    FakeProber,
    FakeRota,
    FakeRouter,
    FakeSwitches,
    FakeTargets,
    FakeTranscript,
    fake_ports,
)
from tests.faults.killing.log import SCOPE, Log
from tests.faults.killing.situation import (
    ADA,
    BEN,
    CARL,
    CATALOG,
    COMMITS,
    DUTY,
    FOUND,
    LOG,
    MAIN,
    PAGE,
    PROBES,
    ROUTED,
    SAID,
    capture,
)
from tests.logstores.shop import request

_LONGEST = 60
_ADDRESS = re.compile(r" at 0x[0-9a-f]+>")

EXPOSED = {
    "targets": {"checkout-1": [{"name": "jobs", "type": "counter", "help": "", "series": 1, "labels": {}}]},
}

OUTSIDE = (
    "anchors",
    "archive",
    "artifacts",
    "audits",
    "bundles",
    "checkup",
    "directory",
    "discovery",
    "doer",
    "fronts",
    "gateway",
    "groups",
    "logs",
    "metrics",
    "pager",
    "poster",
    "prober",
    "repository",
    "rota",
    "router",
    "switches",
    "targets",
    "transcript",
)


class Targets(FakeTargets):
    """Targets that answer whatever they are asked."""

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        return tuple([await keep(capture(target.name, part)) for part in parts[:3]])


class Bundles(FakeBundles):
    """A repository that remembers what was pushed; the run that packs cannot reach it, the one that follows can."""

    def __init__(self, folder: Path) -> None:
        super().__init__("git.test (incidents)")
        self._folder = folder

    async def push(self, path: str, content: bytes, at: datetime) -> Pushed | Missing:
        scope, kept = SCOPE.get(), self._folder / path.replace("/", "-")
        if scope is not None and scope.run == MAIN:
            return Missing("no route to host")
        with suppress(FileNotFoundError):
            self.kept[path] = kept.read_bytes()
        pushed = await super().push(path, content, at)
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(content)
        return pushed


class Router(FakeRouter):
    """A router that outlives whoever told it something. Its answers are always late: what it was told it does.

    Where a restore is wanted, the canary is closed; else it gets its share.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(ROUTED)
        self._path = path

    async def read(self, service: Service) -> Split | Missing:
        self._load()
        return await super().read(service)

    async def make(self, service: Service, move: Move) -> Missing | None:
        self._load()
        await super().make(service, move)
        self._path.write_bytes(adapter_of(Split).dump_json(self.split))
        return Missing("no answer within 3 s")

    def _load(self) -> None:
        scope = SCOPE.get()
        if self._path.exists():
            self.split = adapter_of(Split).validate_json(self._path.read_bytes())
        elif scope is not None and scope.playbook == "restore":
            self.split = CLOSED


class Switches(FakeSwitches):
    """Switches that outlive whoever turned them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            self.on = dict.fromkeys(map(tuple, json.loads(path.read_bytes())), Size.MEDIUM)

    async def turn(
        self, target: Target, name: str, size: Size | None, lasts: timedelta | None = None
    ) -> Missing | None:
        await super().turn(target, name, size, lasts)
        self._path.write_text(json.dumps(list(self.on)))
        return None


class Pager(FakePager):
    """Reaches nobody at the first try. Carl answers what FirstFive sends, but not the page that was there before."""

    async def page(self, person: Person, text: str, key: str) -> Reached:
        scope = SCOPE.get()
        self.ok = scope is None or not scope.part.endswith(":0")
        return await super().page(person, text, key)

    async def answered(self, key: str) -> Person | None:
        return None if key == PAGE else CARL


def world(folder: Path, log: Log) -> Ports:
    """Wire the outside; everything asked of it is in the log."""
    transcript = FakeTranscript(SAID)
    transcript.pins.add(SAID.ts)
    transcript.contents[LOG.id] = b"x" * LOG.bytes
    fakes, router = fake_ports(CATALOG), Router(folder / "router")
    counters = FakeCounters(fakes.clock, router)
    counters.stuck = True
    ports = replace(
        fakes,
        anchors=FileAnchors(folder / "anchors"),
        archive=TarArchive(),
        artifacts=FolderArtifacts(folder / "artifacts"),
        audits=FakeAudits(Subject("/metrics of checkout-1", EXPOSED)),
        bundles=Bundles(folder / "pushed"),
        directory=FakeDirectory({"@ben": BEN, BEN.id: BEN, ADA.id: ADA, MAIL: BEN}),
        discovery=FakeDiscovery(FOUND),
        logs=FakeLogs(*request()),
        metrics=counters,
        pager=Pager(on_call=(DUTY,)),
        rota=FakeRota(BEN),
        router=router,
        switches=Switches(folder / "switches"),
        prober=FakeProber({commit: Result.BAD if commit >= COMMITS[5] else Result.GOOD for commit in COMMITS}),
        poster=FakePoster(Posted(ok=False, reason="ratelimited", again=True)),
        targets=Targets(PROBES),
        transcript=transcript,
    )
    for name in OUTSIDE:
        _watch(name, getattr(ports, name), log)
    return ports


def _watch(port: str, adapter: Any, log: Log) -> None:
    """Let every asynchronous method of a port tell the log what it was asked, once it is done."""
    for name, method in inspect.getmembers(adapter, inspect.iscoroutinefunction):
        if not name.startswith("_"):
            setattr(adapter, name, _watched(f"{port}.{name}", method, log))


def _watched(name: str, method: Callable[..., Any], log: Log) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    async def act(*args: Any, **kwargs: Any) -> Any:
        value = await method(*args, **kwargs)
        log.effect(name, _identity(signature.bind(*args, **kwargs).arguments))
        return value

    return act


def _identity(given: Mapping[str, Any]) -> str:
    """Tell one effect from another: by its key if it has one, else by everything that no other life has another of."""
    told = {name: value for name, value in given.items() if name in {"key", "to"}} if "key" in given else given
    is_told = (each for each in told.values() if not (isinstance(each, datetime | asyncio.Event) or callable(each)))
    return ", ".join(_short(value) for value in is_told)


def _short(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    # Else the same effect would be another one in each life, and every life would die of it.
    assert not _ADDRESS.search(text), f"{text[:200]} is told by where it is in memory"
    return text if len(text) <= _LONGEST else f"#{sha256(text.encode()).hexdigest()[:12]}"
