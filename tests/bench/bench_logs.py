"""How fast log lines are linted: the source of Go's own toolchain, beside `go vet` on it, and 30,000 files."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bot.adapters.audits.logs import Read, read_logs
from bot.domain.audits.logs import findings
from bot.lab.toolchain import build_environment, find_go
from tests.bench.figures import load
from tests.bench.row import Row

FILES = 30_000
NOT_READ = shutil.ignore_patterns("testdata", "*_test.go", "vendor", "*.s", "*.syso", "*.txt")
VETTED = ("std", "cmd")


def run() -> Iterable[Row]:
    """Lint what there is, then copies of it up to 30,000 files; vet it with an empty cache, as CI does."""
    go = find_go()
    source = Path(subprocess.check_output((go, "env", "GOROOT"), env=build_environment(), text=True).strip()) / "src"
    read, took_s = linted(source)
    found = len(findings(read.document["calls"]))
    notes = f"{read.files} files, {read.bytes / 1e6:.0f} MB, {found} findings; {load()}"
    yield Row("lint-logs, Go's own source", read.bytes / 1e6 / took_s, "MB/s", notes=notes)
    yield Row("lint-logs, files", read.files / took_s, "files/s", notes=f"{took_s:.1f} s")
    with tempfile.TemporaryDirectory() as place:
        vetted_s = vet(go, source, Path(place))
        yield Row("go vet, the same source", read.bytes / 1e6 / vetted_s, "MB/s", notes=f"{vetted_s:.1f} s; {load()}")
    with tempfile.TemporaryDirectory() as place:
        for number in range(-(-FILES // read.files)):
            shutil.copytree(source, Path(place) / f"copy{number}", symlinks=True, ignore=NOT_READ)
        many, took_s = linted(Path(place))
    notes = f"{many.files} files, {many.bytes / 1e6:.0f} MB; {os.cpu_count()} cores, {load()}"
    yield Row(f"{FILES} files", took_s * FILES / many.files, "s", at_most=60, notes=notes)


def linted(place: Path) -> tuple[Read, float]:
    """Read a folder; give how long it took."""
    began = time.perf_counter()
    read = asyncio.run(read_logs(place.resolve()))
    assert isinstance(read, Read)
    assert not read.failed
    return read, time.perf_counter() - began


def vet(go: Path, source: Path, place: Path) -> float:
    """Vet Go's own source; what it finds does not matter here."""
    environment = build_environment() | {"GOCACHE": str(place), "GOFLAGS": ""}
    began = time.perf_counter()
    subprocess.run((go, "vet", *VETTED), cwd=source, env=environment, check=False, capture_output=True)
    return time.perf_counter() - began
