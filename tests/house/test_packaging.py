"""The built wheel holds everything, and boots in an empty environment in another folder."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.house.test_lock import CORE, pins
from tests.house.tree import PRODUCT, ROOT, tracked
from tests.stack import free_port

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")
READY_S = 60
NO_SLACK = "http://127.0.0.1:9/api/"


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what the core lock pins; nothing of this repository."""

    bin: Path
    folder: Path

    def environment(self, **more: str) -> Mapping[str, str]:
        return {"PATH": f"{self.bin}{os.pathsep}{os.defpath}", "HOME": str(self.folder), **more}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / "firstfive"), *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, check=False, text=True, timeout=60
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for path in tracked():
        if path.parts[0] in {*PRODUCT, *BUILT_FROM}:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, source / path)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("elsewhere")
    environment = place / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in pins(CORE):
        link_distribution(name, packages)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    return Installed(environment / "bin", place)


def link_distribution(name: str, packages: Path) -> None:
    """Lend an installed package to an environment, instead of installing it again."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return  # pinned for another platform; a package that is missing for ours fails at its import
    home = Path(str(found.locate_file("")))
    for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(home / top)


def test_the_wheel_holds_every_file_of_the_product(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {path.as_posix() for path in tracked() if path.parts[0] in PRODUCT}
    assert sorted(wanted - inside) == []
    assert {name.partition("/")[0] for name in inside if ".dist-info/" not in name} == set(PRODUCT)


def test_the_command_explains_itself(installed: Installed) -> None:
    done = installed.run("--help")
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_the_doctor_looks_around_without_slack(installed: Installed) -> None:
    done = installed.run("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "slack          not configured" in done.stdout


def test_the_procfile_boots_elsewhere_with_slack_out_of_reach(installed: Installed) -> None:
    released = subprocess.run(
        procfile("release"),
        cwd=installed.folder,
        env=installed.environment(),
        capture_output=True,
        check=False,
        text=True,
    )
    assert released.returncode == 0, released.stdout + released.stderr
    with served(installed) as address:
        assert httpx.get(f"{address}/health/live").status_code == httpx.codes.OK
        assert "firstfive" in httpx.get(f"{address}/metrics").text


def procfile(*words: str) -> list[str]:
    return [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start", *words]


@contextmanager
def served(installed: Installed) -> Iterator[str]:
    port = free_port()
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "secret",
        "SLACK_API_URL": NO_SLACK,
    }
    process = subprocess.Popen(
        procfile("--port", str(port), "web"),
        cwd=installed.folder,
        env=installed.environment(**secrets),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        ready = await_ready(f"http://127.0.0.1:{port}", process)
        assert ready, f"exit code {process.poll()}"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=20)
        sys.stdout.write(said)  # pytest shows it when the test fails


def await_ready(address: str, process: subprocess.Popen[str]) -> bool:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/health/ready").status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False
