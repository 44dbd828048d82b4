"""What a run captured and found, read back from its journal and its artifacts for the pages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.domain.baseline import Baseline, Baselines, baseline_key
from bot.domain.diagnosis import Overview
from bot.domain.errors import StoreUnusable
from bot.domain.exhibits import PROVING, Evidence, Fact, Found, evidence, found, judged, kept
from bot.domain.run import Run
from bot.domain.snapshot import Captured, Probe
from bot.domain.timeline import Entry, Kind, Person
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.visible import visible_run

_PARTS: TypeAdapter[tuple[Captured, ...]] = TypeAdapter(tuple[Captured, ...])
_PROBES: TypeAdapter[tuple[Probe, ...]] = TypeAdapter(tuple[Probe, ...])
_OVERVIEWS: TypeAdapter[tuple[Overview, ...]] = TypeAdapter(tuple[Overview, ...])
_BASELINES: TypeAdapter[Baselines] = TypeAdapter(Baselines)


@dataclass(frozen=True)
class Reading:
    """A snapshot that can be looked into: who captured it, what came of each part, what was found in it."""

    run: Run
    service: str
    parts: tuple[Captured, ...]
    probes: tuple[Probe, ...]
    archive: Evidence | None
    findings: tuple[Found, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets."""
        return tuple(sorted({part.target for part in self.parts}))

    def of(self, target: str) -> tuple[Captured, ...]:
        """Give the records of one target's parts."""
        return tuple(part for part in self.parts if part.target == target)

    def found_at(self, target: str) -> tuple[Found, ...]:
        """Give the findings of one target."""
        return tuple(each for each in self.findings if each.target == target)


@dataclass(frozen=True)
class TargetRow:
    """A target in a line: what was found of it, and its numbers; "" where unknown."""

    name: str
    faults: tuple[str, ...]
    about: Overview | None


@dataclass(frozen=True)
class DiagnosisView:
    """The latest diagnosis of an incident, or that of a run; `run` is whose targets can be looked at, "" for none."""

    verdict: str
    statement: str
    run: str
    picture: str
    archive: Evidence | None
    findings: tuple[Found, ...]
    earlier: tuple[Found, ...]
    targets: tuple[TargetRow, ...]


def read(ports: Ports, tx: Tx, run_id: str, person: Person) -> Reading | None:
    """Give the snapshot of a run, or that which it diagnosed; None when there is none that they may see."""
    run = visible_run(ports, tx, run_id, person)
    result: Mapping[str, Any] = run.result if run is not None and isinstance(run.result, dict) else {}
    findings = _findings(result.get("findings"))
    if run is not None and result.get("snapshot"):
        run = visible_run(ports, tx, str(result["snapshot"]), person)
        result = run.result if run is not None and isinstance(run.result, dict) else {}
    if run is None or "parts" not in result:
        return None
    try:
        parts, probes = _PARTS.validate_python(result["parts"]), _PROBES.validate_python(result.get("probes", ()))
    except ValidationError:
        return None
    return Reading(run, str(result.get("service", "")), parts, probes, _archive(result.get("archive")), findings)


def of_incident(entries: Sequence[Entry]) -> tuple[DiagnosisView, str] | None:
    """Give the latest diagnosis of a timeline, its targets not looked up yet, and the artifact they are in."""
    entries = [entry for entry in entries if entry.kind in PROVING]
    verdicts = [entry for entry in entries if entry.kind == Kind.VERDICT and entry.body is not None]
    findings = found(entries)
    if not verdicts:
        return (DiagnosisView("", "", "", "", None, (), findings, ()), "") if findings else None
    last = verdicts[-1]
    by_place = {(each.fault_class, each.target): each for each in findings}
    latest = tuple(by_place[place] for place in _places(entries, last.run_id))
    earlier = tuple(each for each in findings if each not in latest)
    facts, said = last.facts, judged(entries)[-1]
    archive = str(facts.get("archive") or "")
    names = {one.sha256: one.name for one in kept(entries)}
    proof = Evidence(names.get(archive, "snapshot.tar.gz"), artifact=archive) if archive else evidence(last, ())
    run = last.run_id if facts.get("snapshot") else ""
    picture = str(facts.get("picture") or "")
    view = DiagnosisView(said.verdict, said.statement, run, picture, proof, latest, earlier, ())
    return view, str(facts.get("artifact") or "")


def _places(entries: Sequence[Entry], run_id: str) -> list[tuple[str, str]]:
    """Give class and target of each finding of a run, most harmful first."""
    made = [entry.facts for entry in entries if entry.kind == Kind.FINDING and entry.run_id == run_id and entry.body]
    return list(dict.fromkeys((str(facts.get("fault_class") or ""), str(facts.get("target") or "")) for facts in made))


def of_run(run: Run, reading: Reading) -> tuple[DiagnosisView, str]:
    """Give what a run of `diagnose` or `snapshot` found, its targets by name only, and the artifact that has more."""
    result = run.result if isinstance(run.result, dict) else {}
    verdict, picture = str(result.get("verdict") or ""), str(result.get("picture") or "")
    view = DiagnosisView(verdict, "", run.id, picture, reading.archive, reading.findings, (), ())
    bare = tuple(TargetRow(name, (), None) for name in reading.targets)
    return replace(view, targets=bare), str(result.get("report") or "")


async def of_target(ports: Ports, run_id: str, target: str, person: Person) -> Reading | None:
    """Read a run that captured a target; None when it did not, or is not this person's to see."""
    reading = await ports.store.read(lambda tx: read(ports, tx, run_id[:200], person))
    return reading if reading and target in reading.targets else None


async def with_targets(ports: Ports, view: DiagnosisView, report: str) -> DiagnosisView:
    """Look up what the report of a diagnosis says of each target."""
    try:
        content = await ports.artifacts.get(report) if report else None
        overviews = _OVERVIEWS.validate_python(json.loads(content or b"{}").get("overviews", ()))
    except (StoreUnusable, ValueError, AttributeError):
        return view
    rows = tuple(
        TargetRow(each.target, tuple(one.fault_class for one in view.findings if one.target == each.target), each)
        for each in overviews
    )
    return replace(view, targets=rows or view.targets)


async def contents(ports: Ports, parts: Sequence[Captured]) -> dict[str, Captured]:
    """Give parts their bytes back, by their names; one whose bytes are gone or damaged says so."""
    return {part.part: await _content(ports, part) for part in parts}


async def _content(ports: Ports, part: Captured) -> Captured:
    if not part.sha256:
        return part
    try:
        content = await ports.artifacts.get(part.sha256)
    except StoreUnusable as error:
        return replace(part, error=str(error))
    return replace(part, content=content) if content else replace(part, error="its bytes were removed by retention")


async def baseline(ports: Ports, service: str, target: str) -> Baseline | None:
    """Give what a target was like in a healthy time; None when nobody knows."""
    return (await baselines(ports, service)).of(target)


async def baselines(ports: Ports, service: str) -> Baselines:
    """Give what the targets of a service were like in a healthy time; none where it cannot be read."""
    text = await ports.store.read(lambda tx: ports.marks.get(tx, baseline_key(service)))
    try:
        return _BASELINES.validate_json(text) if text else Baselines()
    except ValidationError:
        return Baselines()


def _archive(stored: Any) -> Evidence | None:
    if not isinstance(stored, Mapping) or not stored.get("sha256"):
        return None
    return Evidence(str(stored.get("name") or "snapshot.tar.gz"), artifact=str(stored["sha256"]))


def _findings(listed: Any) -> tuple[Found, ...]:
    return tuple(_found(one) for one in listed or () if isinstance(one, Mapping))


def _found(one: Mapping[str, Any]) -> Found:
    parts = [part for part in one.get("evidence") or () if isinstance(part, Mapping)]
    return Found(
        fault_class=str(one.get("fault") or ""),
        target=str(one.get("target") or ""),
        claim=str(one.get("claim") or ""),
        evidence=tuple(Fact(f"{part.get('what')}: {part.get('value')}", None) for part in parts),
        fix=str(one.get("fix") or ""),
        proof=None,
        at=None,
        confidence=str(one.get("confidence") or ""),
        verify=str(one.get("verify") or ""),
    )
