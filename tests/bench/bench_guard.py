"""What a look of the build guard at 500 targets takes: agent and version asked, each held against all others."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.deploys import Deploy
from bot.domain.expected import Expected, Lineage
from bot.domain.facts import Build, Facts
from bot.domain.guard_plan import GuardPlan
from bot.domain.violations import judge
from tests.bench.bench_digest import many_targets
from tests.bench.figures import load, scratch
from tests.bench.row import Row

TARGETS = 500
ROUNDS = 3
LONGEST_S = 300
NEW, OLD = "a" * 40, "b" * 40
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run() -> Iterable[Row]:
    """Let the real process look several times, and judge alone where half of the targets run something else."""
    with scratch() as folder, many_targets() as port:
        (folder / "firstfive.toml").write_text("\n".join(configured(port)))
        took = [look(folder) for _ in range(ROUNDS)]
    cpu_s = min(took)
    yield Row(f"{TARGETS} targets", cpu_s, "s CPU", at_most=20, notes=f"the process's start included; {load()}")
    judged_s = min(judged() for _ in range(ROUNDS))
    yield Row(
        "judged, half of them wrong", judged_s, "s CPU", at_most=2, notes=f"{TARGETS} targets, no input or output"
    )


def configured(port: int) -> Iterator[str]:
    """Write the configuration; the first part of a path names a target and means nothing."""
    yield '[[services]]\nname = "shop"\n[services.guard]\nenv = "prod"'
    for number in range(TARGETS):
        at = f"http://127.0.0.1:{port}/shop-{number}"
        yield f'[[services.targets]]\nname = "shop-{number}"\npprof = "{at}"\nurl = "{at}/"'
        yield f'agent = "{at}"\nversion = "/version"'


def look(folder: Path) -> float:
    """Give the seconds of CPU that the process took, once it has seen every target."""
    environment = {
        **os.environ,
        "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
        "DATABASE_URL": f"sqlite:///{folder}/firstfive.db",
        "ARTIFACTS_URL": str(folder / "artifacts"),
        "FIRSTFIVE_AGENT_TOKEN": "0123456789abcdef",
    }
    command = [sys.executable, "-m", "bot.cli", "run", "guard", "service=shop"]
    before = os.times()
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=LONGEST_S)
    after = os.times()
    assert f"the builds of {TARGETS} targets are what they should be" in done.stdout.decode(), done.stdout
    return after.children_user + after.children_system - before.children_user - before.children_system


def judged() -> float:
    """Give the seconds of CPU that judging takes."""
    facts, began = pretended(), time.process_time()
    found = judge(facts, GuardPlan("prod", ("main",)), {NEW: True, OLD: False}, AT)
    took = time.process_time() - began
    assert len(found.violations) == TARGETS, len(found.violations)
    return took


def pretended() -> Mapping[str, Facts]:
    """Give targets of which every second one runs an older commit of another branch."""
    deploy = Deploy("shop", "v2", AT - timedelta(days=1), "Ada", NEW, "webhook")
    lineages = {NEW: Lineage(NEW, ("main",), NEW), OLD: Lineage(OLD, ("hotfix",), NEW, 1, 3)}
    runs = {f"shop-{number}": OLD if number % 2 else NEW for number in range(TARGETS)}
    return {
        name: Facts(name, build=Build("link", "go1.27.3", revision=sha), expected=Expected(deploy, lineages[sha]))
        for name, sha in runs.items()
    }
