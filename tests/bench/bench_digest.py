"""What a digest over 500 services takes: each probed, examined, and asked for in Prometheus, by the real process."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row

SERVICES = 500
ROUNDS = 3
LONGEST_S = 300


def run() -> Iterable[Row]:
    """Run the same digest several times, each in a process of its own, over one database."""
    with scratch() as folder, many_targets() as port:
        (folder / "firstfive.toml").write_text("\n".join(configured(port)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = [digest(folder) for _ in range(ROUNDS)]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / ROUNDS
    notes = f"{spread(took)}, {processor_s:.2g} s of it CPU; one target each, one process serves them all; {load()}"
    # A watch (`stalk`) looks every few minutes: it must be done long before it begins again.
    yield Row(f"{SERVICES} services", median(took), "s", at_most=60, notes=notes)
    yield Row("memory at its highest", after.ru_maxrss * 1024 / 1e6, "MB", at_most=200, notes="resident")


@contextmanager
def many_targets() -> Iterator[int]:
    """Serve every target from another process; give its port."""
    command = [sys.executable, "-m", "tests.bench.many_targets"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(20)


def configured(port: int) -> Iterable[str]:
    """Write the configuration."""
    at = f"http://127.0.0.1:{port}"
    for number in range(SERVICES):
        name = f"service-{number}"
        yield f'[[services]]\nname = "{name}"\nprometheus = "{at}"'
        yield f'[[services.targets]]\nname = "{name}-1"\npprof = "{at}/{name}"\nurl = "{at}/{name}/"'


def digest(folder: Path) -> float:
    """Give the seconds that the run took, once it has seen all of it."""
    environment = {
        **os.environ,
        "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
        "DATABASE_URL": f"sqlite:///{folder}/firstfive.db",
        "ARTIFACTS_URL": str(folder / "artifacts"),
    }
    command = [sys.executable, "-m", "bot.cli", "run", "digest", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=LONGEST_S)
    report = json.loads(done.stdout)
    said = report["result"]["text"]
    assert "nothing to say" in said, said
    assert f"{SERVICES} services, {SERVICES} targets, {SERVICES} of them probed" in said, said
    return float(report["elapsed_s"])
