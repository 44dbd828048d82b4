"""The lab starts in one piece, says what it is, and leaves nothing running however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.lab.toolchain import build_environment
from tests.lab import Lab, running_lab
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]

PATIENCE_S = 30


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """List what runs now; a zombie does not."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]  # -ww: a long path must not be cut
    listed = subprocess.run(command, capture_output=True, check=True, text=True)
    rows = [row.split(None, 3) for row in listed.stdout.splitlines()]
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")]


def descendants(pid: int) -> list[Process]:
    children = [process for process in processes() if process.parent == pid and not process.command.startswith("ps ")]
    return children + [one for child in children for one in descendants(child.pid)]


def left_of(family: list[Process]) -> list[Process]:
    """Wait until a family is gone; return who is not, for as long as a busy machine may need."""
    deadline = time.monotonic() + PATIENCE_S
    left = family
    while left and time.monotonic() < deadline:
        running = {(one.pid, one.command) for one in processes()}  # an orphan has another parent by now
        left = [one for one in family if (one.pid, one.command) in running]
        time.sleep(0.1)
    return left


@contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], list[Process]]]:
    command = [sys.executable, "-m", "bot.lab", "serve", "--port-base", "0", "--targets", "1", "--sick", "none", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["targets"]
        children = descendants(process.pid)
        assert len(children) >= 2  # the target and its load
        try:
            yield process, children
        finally:
            process.kill()


def hang_up(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(subprocess.Popen.kill, id="kill -9"),
        pytest.param(subprocess.Popen.terminate, id="SIGTERM"),
        pytest.param(lambda process: process.send_signal(signal.SIGINT), id="Ctrl-C"),
        pytest.param(hang_up, id="standard input ends"),
    ],
)
def test_nothing_is_left_running(end: Callable[[subprocess.Popen[bytes]], None]) -> None:
    with serving() as (process, children):
        end(process)

        assert left_of(children) == []
        assert process.wait(30) in (0, -signal.SIGKILL)


def test_a_killed_lab_leaves_no_router_running() -> None:
    with serving("--targets", "2", "--router") as (process, children):
        assert any("--admin-address-path" in child.command for child in children)
        process.kill()

        assert left_of(children) == []


def test_a_lab_whose_parent_dies_ends() -> None:
    shell = f"{sys.executable} -m bot.lab serve --port-base 0 --targets 1 --sick none </dev/null & wait"
    with subprocess.Popen(["/bin/sh", "-c", shell], stdout=subprocess.PIPE, process_group=0) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        family = descendants(parent.pid)
        parent.kill()

        assert len(family) >= 3
        assert left_of(family) == []


def test_a_target_that_died_is_told_and_the_rest_stays() -> None:
    with serving("--targets", "1") as (process, children):
        target = next(child for child in children if "-listen" in child.command)
        os.kill(target.pid, signal.SIGKILL)
        assert process.stderr is not None
        told = next(line for line in process.stderr if b"ended" in line)

        assert told.startswith(b"lab: checkout-1 ended with exit code -9; its log is /")
        assert process.poll() is None


def test_a_busy_port_is_one_line_and_exit_code_2() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "bot.lab", "serve", "--port-base", str(port - 1)]
        refused = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.splitlines()[-1].startswith(f"lab: port {port} is in use: ")


def git(lab: Lab, *arguments: str) -> str:
    command = ["git", "-C", lab["repository"], *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_targets_run_the_builds_of_their_releases() -> None:
    with running_lab() as lab:
        builds = {target["name"]: httpx.get(f"{target['url']}/version").json() for target in lab["targets"]}
        assert [build["version"] for build in builds.values()] == ["v1.4.0", "v1.4.0", "v1.5.0"]
        assert builds["checkout-1"]["revision"] == git(lab, "rev-parse", "v1.4.0")
        assert builds["checkout-3"]["revision"] == git(lab, "rev-parse", "v1.5.0")
        assert not any(build["modified"] for build in builds.values())
        assert git(lab, "status", "--porcelain") == ""


def go_binary() -> str:
    asked = subprocess.run([sys.executable, "-m", "bot.lab", "go"], capture_output=True, check=True, text=True)
    return asked.stdout.strip()


def test_the_repository_holds_a_test_that_tells_the_culprit(tmp_path: Path) -> None:
    with running_lab(targets=1, sick="none") as lab:
        git(lab, "clone", "--quiet", lab["repository"], str(tmp_path / "clone"))
        culprit = git(lab, "log", "--format=%H", "--grep=Watch prices in the background")
    go = go_binary()
    verdicts = []
    for commit in (f"{culprit}~1", culprit, "v1.5.0"):
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=tmp_path / "clone", check=True)
        command = [go, "test", "-trimpath", "-count=1", "-run", "^TestPriceWatchersStop$", "."]
        tested = subprocess.run(
            command, cwd=tmp_path / "clone", env=build_environment(), check=False, capture_output=True, text=True
        )
        verdicts.append("TestPriceWatchersStop" in tested.stdout if tested.returncode else None)

    assert verdicts == [None, True, True]


def test_the_service_is_formatted_and_vetted() -> None:
    go = go_binary()
    source = Path(__file__).parents[2] / "bot" / "lab" / "checkout"
    unformatted = subprocess.run(
        [str(Path(go).with_name("gofmt")), "-l", "."], cwd=source, capture_output=True, check=True, text=True
    )
    vetted = subprocess.run(
        [go, "vet", "./..."], cwd=source, env=build_environment(), capture_output=True, check=False, text=True
    )

    assert unformatted.stdout == ""
    assert vetted.returncode == 0, vetted.stderr


def test_a_prepared_lab_is_not_built_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.lab", "prepare", "--state", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    built = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("bin/*/checkout")}
    without_go = os.environ | {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "empty")}

    again = subprocess.run(command, env=without_go, capture_output=True, check=False, text=True)

    assert len(built) == 2
    assert again.stderr == f"lab: ready in {next(tmp_path.glob('releases-*'))}\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("bin/*/checkout")} == built


def test_a_killed_preparation_leaves_no_half_built_lab(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.lab", "prepare", "--state", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as first:
        assert first.stderr is not None
        assert next(iter(first.stderr)).startswith(b"lab: building checkout v1.4.0")
        time.sleep(0.1)
        first.kill()
    assert not list(tmp_path.glob("releases-*"))

    subprocess.run(command, capture_output=True, check=True)

    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == [".lock", "releases"]
