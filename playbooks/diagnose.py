"""Read a snapshot and say what stands out: a named fault class with evidence and fix, or plainly that nothing does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from bot.engine import (
    MODULE_FILES,
    Baselines,
    Build,
    Captured,
    Diagnosis,
    Facts,
    Finding,
    IncidentNotFound,
    Kind,
    Milestone,
    Missing,
    Outcome,
    Params,
    Playbook,
    Probe,
    RouterWatched,
    RunFailed,
    RunStatus,
    ServiceName,
    Stored,
    Sums,
    Tools,
    Usual,
    VerifiedSums,
    baseline_key,
    compare_targets,
    examine,
    healthy_targets,
    prove,
    remember_healthy,
    sums_key,
    sums_of,
    to_us,
    usual_key,
    with_c_calls,
    with_expected,
    with_routed,
    with_sums,
)

_PARTS: TypeAdapter[tuple[Captured, ...]] = TypeAdapter(tuple[Captured, ...])
_WATCHED: TypeAdapter[RouterWatched | None] = TypeAdapter(RouterWatched | None)
_PROBES: TypeAdapter[tuple[Probe, ...]] = TypeAdapter(tuple[Probe, ...])


class Diagnose(Params):
    """Of which service (the incident's, if left out); `snapshot` is the run of one to read instead of a new one."""

    service: ServiceName = ""
    snapshot: str = ""


@dataclass(frozen=True)
class Taken:
    """The records of a snapshot, and what the router did while it was taken; None: that is not known."""

    service: str
    archive: Stored
    parts: tuple[Captured, ...]
    probes: tuple[Probe, ...]
    summary: str
    run: str = ""
    watched: RouterWatched | None = None


@dataclass(frozen=True)
class Diagnosed:
    """The verdict, what speaks for it, and where it can be read; `snapshot` is the run that captured the targets."""

    verdict: str | None
    findings: tuple[Finding, ...]
    report: str
    archive: str
    summary: str
    snapshot: str = ""
    picture: str = ""

    @property
    def artifact(self) -> str:
        """The evidence, for whoever asked."""
        return self.archive


playbook = Playbook("diagnose", "Name what is wrong with a service, with the evidence.", Diagnose)


@playbook.step("Take the snapshot")
async def take(tools: Tools, params: Diagnose) -> Taken:
    """Read the snapshot that was named, or take one."""
    service = params.service or ((await tools.incident()).service if tools.incident_id else "")
    if params.snapshot:
        outcome = await _named(tools, params.snapshot)
    else:
        outcome = await tools.run("snapshot", {"service": service})
    if outcome.status is not RunStatus.DONE:
        raise RunFailed(f"There is no snapshot to read: {outcome.reason}")
    found: dict[str, Any] = dict(outcome.result)
    parts, probes = _PARTS.validate_python(found["parts"]), _PROBES.validate_python(found["probes"])
    watched = _WATCHED.validate_python(found.get("watched"))  # an older run's has none
    return Taken(found["service"], Stored(**found["archive"]), parts, probes, found["summary"], outcome.run_id, watched)


async def _named(tools: Tools, run_id: str) -> Outcome:
    """Give what came of a snapshot; none that a private incident owns, unless it is read in that incident.

    What is found of it is seen by whoever sees this run, and what it was like becomes what others are held against.
    """
    outcome = await tools.outcome(run_id)
    if outcome.incident_id in {"", tools.incident_id}:
        return outcome
    try:
        is_private = (await tools.incident_named(outcome.incident_id)).private
    except IncidentNotFound:
        is_private = True
    return Outcome(run_id, RunStatus.FAILED, reason=f"there is no run {run_id}") if is_private else outcome


@playbook.step("Compare the targets")
async def compare(tools: Tools, params: Diagnose, taken: Taken) -> Diagnosed:  # noqa: ARG001 - every step takes its params
    """Put every finding and the verdict on the timeline; a verdict is the moment the fault was located."""
    usual = await tools.recall(usual_key(taken.service), Usual)
    baselines = await tools.recall(baseline_key(taken.service), Baselines) or Baselines()
    service = tools.service(taken.service)
    facts = await with_expected(tools, service, await _facts(tools, taken))
    facts = await with_routed(tools, service, taken.watched, await with_c_calls(tools, service, facts))
    diagnosis = compare_targets(facts, usual, baselines)
    report = TypeAdapter(Diagnosis).dump_json(diagnosis, indent=1)
    stored = await tools.ports.artifacts.put(f"diagnosis-{taken.service}.json", report)
    _tell_findings(tools, taken, diagnosis)
    picture = await _picture(tools, taken, facts, diagnosis)
    tools.record(
        Kind.VERDICT,
        verdict=diagnosis.verdict,
        target=diagnosis.findings[0].target if diagnosis.findings else "",
        statement=diagnosis.statement,
        proof=_proof(diagnosis),
        fix=diagnosis.findings[0].fix if diagnosis.findings else "",
        artifact=stored.sha256,
        name=stored.name,
        bytes=stored.bytes,
        archive=taken.archive.sha256,
        snapshot=taken.run,
        picture=picture,
        service=taken.service,
        clean=diagnosis.is_clean,
    )
    if diagnosis.verdict and tools.incident_id:
        await _locate(tools)
    if not tools.incident_id and (well := healthy_targets(facts, diagnosis)):
        known = remember_healthy(baselines, well, taken.parts, tools.now())
        tools.keep(baseline_key(taken.service), Baselines, known)
    summary = f"{diagnosis.verdict} on {diagnosis.statement}" if diagnosis.verdict else diagnosis.statement
    archive = taken.archive.sha256
    return Diagnosed(diagnosis.verdict, diagnosis.findings, stored.sha256, archive, summary, taken.run, picture)


def _tell_findings(tools: Tools, taken: Taken, diagnosis: Diagnosis) -> None:
    kept = {part.file: {"sha256": part.sha256, "bytes": part.bytes} for part in taken.parts if part.sha256}
    if (watched := taken.watched) is not None:
        kept[watched.file] = {"sha256": watched.sha256, "bytes": watched.bytes}
    whole = {"sha256": taken.archive.sha256, "bytes": taken.archive.bytes}
    for finding in diagnosis.findings:
        evidence = [{**each.__dict__, **kept.get(each.artifact, whole)} for each in finding.evidence]
        tools.record(
            Kind.FINDING,
            fault_class=finding.fault,
            target=finding.target,
            claim=finding.claim,
            evidence=evidence,
            fix=finding.fix,
            verify=finding.verify,
            confidence=finding.confidence,
            artifact=taken.archive.sha256,
        )


async def _facts(tools: Tools, taken: Taken) -> dict[str, Facts]:
    """Examine one target after the other: of all together the parts might not fit into memory."""
    probes = {probe.target: probe for probe in taken.probes}
    facts = {
        target: await asyncio.to_thread(examine, await _parts(tools, taken, target), probes.get(target))
        for target in dict.fromkeys(part.target for part in taken.parts)
    }
    return await _with_sums(tools, taken.service, facts)


async def _with_sums(tools: Tools, service: str, facts: Mapping[str, Facts]) -> dict[str, Facts]:
    """Add what is written down of the modules of each build: go.sum at its commit, and what the last audit proved."""
    verified = (await tools.recall(sums_key(service), VerifiedSums) or VerifiedSums({})).sums
    builds = tuple(dict.fromkeys(each.build for each in facts.values() if each.modules and each.modules.told))
    found = await asyncio.gather(*(_recorded(tools, service, build) for build in builds))
    recorded = dict(zip(builds, found, strict=True))
    return {name: with_sums(each, recorded.get(each.build), verified) for name, each in facts.items()}


async def _recorded(tools: Tools, name: str, build: Build) -> Sums | None:
    service = tools.catalog.service(name)
    if service is None or not service.repository or not build.revision:
        return None
    files = await tools.ports.repository.files(service.repository, build.revision, MODULE_FILES)
    return None if isinstance(files, Missing) else sums_of(files, build.module)


async def _parts(tools: Tools, taken: Taken, target: str) -> list[Captured]:
    """Give the records of a target their bytes back."""
    return [
        replace(part, content=(await tools.ports.artifacts.get(part.sha256) or b"") if part.sha256 else b"")
        for part in taken.parts
        if part.target == target
    ]


def _proof(diagnosis: Diagnosis) -> str:
    """Say in a line, as the card does, what proves the verdict; "" without one."""
    if not diagnosis.findings:
        return ""
    first = diagnosis.findings[0]
    return f"{first.target}, {first.confidence}: {first.claim}{diagnosis.besides}"


async def _picture(tools: Tools, taken: Taken, facts: Mapping[str, Facts], diagnosis: Diagnosis) -> str:
    """Keep the picture that proves the verdict; give its sha256, "" when there is nothing to draw."""
    for finding in diagnosis.findings[:1]:
        parts = [part for part in taken.parts if part.target == finding.target and part.sha256]
        contents = await asyncio.gather(*(tools.ports.artifacts.get(part.sha256) for part in parts))
        known = [replace(part, content=content or b"") for part, content in zip(parts, contents, strict=True)]
        drawn = await asyncio.to_thread(prove, finding, facts[finding.target], known)
        if drawn is not None:
            return (await tools.ports.artifacts.put(f"{finding.fault}-{finding.target}.png", drawn.png)).sha256
    return ""


async def _locate(tools: Tools) -> None:
    incident = await tools.incident()
    if Milestone.LOCATED not in incident.milestones:
        at = to_us(tools.now())
        tools.record(Kind.MILESTONE, milestone=Milestone.LOCATED.value, at=at, source="verdict")
