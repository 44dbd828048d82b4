"""How much memory a bot takes while it captures and diagnoses thirty targets at once, whatever they send.

A process of its own each time; what is told is the most that it ever had.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import load, scratch
from tests.bench.hostile_targets import KINDS
from tests.bench.row import Row

TARGETS = 30
MEGABYTE = 1024 * 1024
BOUND_MB = 500
LONGEST_S = 600


def run() -> Iterable[Row]:
    """Measure with targets that are well, with each kind of hostile ones, and with all kinds together."""
    with hostile() as port:
        for name, kinds in (("well", ("well",)), *((kind, (kind,)) for kind in KINDS), ("all kinds", KINDS)):
            figure, notes = measured(port, kinds)
            yield Row(f"{TARGETS} targets: {name}", figure, "MB", at_most=BOUND_MB, notes=notes)


@contextmanager
def hostile() -> Iterator[int]:
    """Let the targets listen; give their port."""
    command = [sys.executable, "-m", "tests.bench.hostile_targets"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def measured(port: int, kinds: tuple[str, ...], targets: int = TARGETS) -> tuple[float, str]:
    """Diagnose the targets in a process of its own; give the most memory that it had, in MB, and what is to be told."""
    with scratch() as folder:
        config = folder / "firstfive.toml"
        config.write_text(configured(port, kinds, targets))
        env = {
            **os.environ,
            "FIRSTFIVE_CONFIG": str(config),
            "DATABASE_URL": f"sqlite:///{folder}/firstfive.db",
            "ARTIFACTS_URL": str(folder / "artifacts"),
        }
        command = [sys.executable, "-m", "bot.cli", "run", "diagnose", "service=checkout", "--json"]
        began = time.monotonic()
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.DEVNULL)
            _, code, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(code)
        kept = folder_bytes(folder / "artifacts")
        told = json.loads((folder / "out").read_bytes())
    took_s = time.monotonic() - began
    verdict = (told["result"] or {}).get("verdict")
    notes = f"{told['status']}, verdict {verdict}, kept {kept / MEGABYTE:.0f} MB in {took_s:.0f} s; {load()}"
    return used.ru_maxrss * 1024 / MEGABYTE, notes


def configured(port: int, kinds: tuple[str, ...], targets: int) -> str:
    """Write the configuration: the kinds in turns."""
    lines = ["[[services]]", 'name = "checkout"']
    for number in range(targets):
        base = f"http://127.0.0.1:{port}/{kinds[number % len(kinds)]}"
        lines += ["[[services.targets]]", f'name = "checkout-{number + 1}"', f'pprof = "{base}"']
    return "\n".join(lines) + "\n"


def folder_bytes(folder: Path) -> int:
    """Add up what a folder holds."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
