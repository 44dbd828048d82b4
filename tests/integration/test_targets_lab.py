"""Snapshots of real Go processes: the verdict for each fault of the lab, and none for a healthy one."""

import asyncio
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import TypeAdapter

from bot.adapters.archive import pack
from bot.adapters.kernel import LocalKernel
from bot.adapters.targets import HttpTargets
from bot.domain.diagnosis import Diagnosis, diagnose
from bot.domain.examination import examine
from bot.domain.facts import Process
from bot.domain.service import Target
from bot.domain.snapshot import (
    CHEAP_PARTS,
    KERNEL_PARTS,
    Captured,
    PartStatus,
    Probe,
    Signal,
    intrusive_parts,
    manifest,
    pick_intrusive,
)
from tests.lab import Lab, LabTarget, running_lab, turn_fault
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go]
SICK = "checkout-2"


class Taken:
    """One snapshot of the lab, diagnosed."""

    def __init__(self, captures: dict[str, tuple[Captured, ...]], probes: dict[str, Probe]) -> None:
        self.captures = captures
        self.facts = {name: examine(parts, probes[name]) for name, parts in captures.items()}
        self.diagnosis = diagnose(self.facts)
        self.parts = [part for parts in captures.values() for part in parts]
        self.manifest = manifest("checkout", datetime(2026, 3, 1, tzinfo=UTC), self.parts, probes.values())


async def take(lab: Lab, cpu_s: int = 2) -> Taken:
    """Capture as the snapshot playbook does: cheap parts from all, costly ones from the picked."""
    http, kernel = HttpTargets(), LocalKernel()
    targets = {each["name"]: Target(each["name"], "checkout", each["pprof"], each["url"]) for each in lab["targets"]}

    async def look(target: Target) -> tuple[Probe, tuple[Captured, ...]]:
        probe, parts, endpoints = await asyncio.gather(http.probe(target), http.capture(target), http.locate(target))
        return probe, (*parts, *await kernel.capture(target, endpoints))

    looked = dict(zip(targets, await asyncio.gather(*map(look, targets.values())), strict=True))
    probes = {name: probe for name, (probe, _) in looked.items()}
    captures = {name: parts for name, (_, parts) in looked.items()}
    if cpu_s:
        facts = [examine(parts, probes[name]) for name, parts in captures.items()]
        picks = pick_intrusive(
            [Signal(f.target, f.goroutines, f.heap.inuse_bytes if f.heap else None, f.probe) for f in facts]
        )
        more = await asyncio.gather(*(http.capture(targets[pick.target], intrusive_parts(cpu_s)) for pick in picks))
        for pick, parts in zip(picks, more, strict=True):
            captures[pick.target] += parts
    return Taken(captures, probes)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(sick="none", rate=20) as running:
        yield running


@pytest.fixture
def sick(lab: Lab) -> LabTarget:
    return next(each for each in lab["targets"] if each["name"] == SICK)


async def until(lab: Lab, fault: str, attempts: int = 10) -> Taken:
    """Take snapshots until the fault shows: what piles up needs its time on a loaded machine."""
    for _ in range(attempts):
        await asyncio.sleep(2)
        taken = await take(lab)
        if taken.diagnosis.verdict == fault:
            return taken
    return taken


async def test_a_healthy_lab_gives_every_part_and_no_verdict(lab: Lab) -> None:
    taken = await take(lab)

    assert taken.diagnosis.verdict is None, taken.diagnosis.findings
    assert taken.diagnosis.statement.startswith("Nothing stands out: 3 targets, "), taken.diagnosis.statement
    assert taken.manifest.losses == ()
    assert {part.status for part in taken.parts} == {PartStatus.OK}
    assert {name: len(parts) for name, parts in taken.captures.items()} == {
        each["name"]: len((*CHEAP_PARTS, *KERNEL_PARTS)) + 2 for each in lab["targets"]
    }
    for facts in taken.facts.values():
        assert facts.build.id
        assert facts.build.go.startswith("go1.")
        assert facts.process is not None
        assert facts.sockets is not None
        assert facts.sockets.count("LISTEN") == 2
        assert facts.probe is not None
        assert facts.probe.statuses == (("200", 5),)


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize(
    ("switch", "fault", "line"),
    [
        ("goroutine-leak", "goroutine-leak", "watch.go:"),
        ("slow-downstream", "pool-exhaustion", "fault_slow_downstream.go:"),
        ("gc-pressure", "gc-pressure", "fault_gc_pressure.go:"),
        ("alloc-churn", "alloc-churn", "fault_alloc_churn.go:"),
        ("timeout-mismatch", "timeout-mismatch", "fault_timeout_mismatch.go:"),
        ("stalled-readers", "stalled-readers", "fault_stalled_readers.go:"),
        ("socket-exhaustion", "socket-exhaustion", "Close what is opened to 127.0.0.1:"),
    ],
)
async def test_each_fault_gives_its_class_its_target_and_its_line(
    lab: Lab, sick: LabTarget, switch: str, fault: str, line: str
) -> None:
    turn_fault(sick, switch, on=True)
    try:
        taken = await until(lab, fault)
    finally:
        turn_fault(sick, switch, on=False)
    first = taken.diagnosis.findings[0]

    assert (taken.diagnosis.verdict, first.target) == (fault, SICK), taken.diagnosis.statement
    assert line in first.fix
    assert {finding.target for finding in taken.diagnosis.findings} == {SICK}
    adapter = TypeAdapter(Diagnosis)
    assert adapter.validate_json(adapter.dump_json(taken.diagnosis)) == taken.diagnosis


async def test_files_are_given_back_when_the_sockets_are_closed(lab: Lab, sick: LabTarget) -> None:
    async def files() -> Process:
        process = (await take(lab, cpu_s=0)).facts[SICK].process
        assert process is not None
        return process

    before = await files()
    turn_fault(sick, "socket-exhaustion", on=True)
    turn_fault(sick, "socket-exhaustion", on=False)
    after = await files()

    assert (after.fd_limit, after.peer) == (before.fd_limit, None)


async def test_idle_connections_beside_steady_load_give_no_verdict(lab: Lab, sick: LabTarget) -> None:
    at = urlsplit(sick["url"])

    async def connect() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: checkout\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return writer

    idle = [await connect() for _ in range(300)]
    taken = await take(lab)
    for each in idle:
        each.close()

    assert taken.diagnosis.verdict is None, taken.diagnosis.findings
    sockets = taken.facts[SICK].sockets
    assert sockets is not None
    assert sockets.count("ESTABLISHED") >= 300


async def test_errors_without_a_known_cause_are_told_and_not_guessed_at(lab: Lab, sick: LabTarget) -> None:
    turn_fault(sick, "error-ratio", on=True)
    try:
        # Of requests between those of the load, five may all be among the seven in ten that are well.
        taken = [await take(lab, cpu_s=0) for _ in range(5)]
    finally:
        turn_fault(sick, "error-ratio", on=False)

    assert [each.diagnosis.verdict for each in taken] == [None] * 5
    differences = [difference for each in taken for difference in each.diagnosis.differences]
    assert any(each.target == SICK and "500" in each.value for each in differences)


async def test_tar_opens_the_archive(lab: Lab, tmp_path: Path) -> None:
    taken = await take(lab, cpu_s=1)
    archive = tmp_path / "snapshot.tar.gz"
    archive.write_bytes(pack(taken.manifest, taken.parts))
    listed = subprocess.run(["tar", "-tzf", archive], capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: ASYNC221 - nothing else runs
    files = {part.file for part in taken.parts if part.usable}

    assert {name.partition("/")[2] for name in listed} == {"manifest.json", *files}
    with tarfile.open(archive) as tar:
        content = tar.extractfile(listed[0].partition("/")[0] + "/manifest.json")
        assert content is not None
        assert {each["file"] for each in json.load(io.TextIOWrapper(content))["artifacts"]} == {
            part.file for part in taken.parts
        }


async def test_ports_that_wait_after_every_answer_are_found_at_the_target_that_closes(
    lab: Lab, sick: LabTarget
) -> None:
    """The last of this lab: the kernel keeps these ports for a minute, whatever is switched off."""
    turn_fault(sick, "no-keep-alive", on=True)
    try:
        taken = await until(lab, "socket-exhaustion")
    finally:
        turn_fault(sick, "no-keep-alive", on=False)
    (found,) = taken.diagnosis.findings

    assert (found.fault, found.target) == ("socket-exhaustion", SICK), taken.diagnosis.statement
    assert "TIME_WAIT" in found.claim
