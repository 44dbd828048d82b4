"""Real builds of a real repository, one of them dirty: incident, Pushgateway, Prometheus and strict health name it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.adapters.pushgateway import JOB, METRIC
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.domain.guard_plan import GuardPlan
from bot.domain.service import Catalog, Service
from bot.engine.slots import name_of
from bot.lab.toolchain import build_environment, find_go
from handlers.schedule import guards
from tests.cli import firstfive
from tests.databases import fresh_sqlite
from tests.house.test_docs import FENCED, read
from tests.integration.contracts.test_gateway import running_pushgateway, scraped
from tests.integration.emulator_process import eventually
from tests.integration.prometheus_process import running_prometheus
from tests.integration.test_git_tags import git
from tests.samples import SCENARIOS
from tests.stack import free_port, running_stack

pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.prometheus, pytest.mark.timeout(300)]
SOURCE = Path(__file__).parent / "guarded"
WITHIN_S = 30.0
CRON = "*/10 * * * *"


@dataclass
class Builds:
    """The programs, and the commits that they are of."""

    repository: Path
    release: Path
    dirty: Path
    stray: Path
    commit: str
    stray_commit: str


def compiled(
    place: Path, program: Path, *flags: str, stamp: str = "", go: Path | None = None, experiment: str = ""
) -> Path:
    """Build by a real shell, with this stamp, or one that a process prints; by this Go, or the one of the lab."""
    stamp = stamp or "$(firstfive stamp --env prod)"
    line = f'flags="{stamp}" && go build {" ".join(flags)} -ldflags "$flags" -o {program} .'
    done = piped(line, place, {"GOEXPERIMENT": experiment}, go)
    assert done.returncode == 0, done.stderr
    return program


def piped(
    script: str, place: Path, told: Mapping[str, str], go: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script as the runners of pipelines do, with what they tell it; by this Go, or the one of the lab."""
    path = f"{(go or find_go()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = build_environment() | {"PATH": path, "GIT_CEILING_DIRECTORIES": str(place.parent), **told}
    return subprocess.run(
        ["sh", "-ec", script], cwd=place, env=environment, check=False, capture_output=True, text=True
    )


def stamped(place: Path) -> str:
    """Print a stamp without the second that a process takes to start."""
    return firstfive(
        "stamp", str(place), "--env", "prod", PATH=f"{find_go().parent}:{os.environ['PATH']}"
    ).stdout.strip()


def tree(folder: Path) -> tuple[Path, str]:
    """Commit the program with what the docs show; give where, and the commit."""
    place = shutil.copytree(SOURCE, folder / "shop")
    (place / "stamped.go").write_text(shown("go", "package main"))
    git(place, "init", "--quiet", "--initial-branch=main")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "Sell things")
    return place, git(place, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Build a release, the same with a change that no commit holds, and a branch that was never merged."""
    folder = tmp_path_factory.mktemp("guarded")
    place, commit = tree(folder)
    release = compiled(place, folder / "release")
    with (place / "main.go").open("a") as file:
        file.write("\n// Tried at 03:00.\n")
    dirty = compiled(place, folder / "dirty", stamp=stamped(place))
    git(place, "checkout", "--quiet", "-b", "feature")
    git(place, "commit", "--quiet", "--all", "-m", "Try it")
    stray = compiled(place, folder / "stray", "-trimpath", stamp=stamped(place))
    stray_commit = git(place, "rev-parse", "HEAD").strip()
    git(place, "checkout", "--quiet", "main")
    return Builds(place, release, dirty, stray, commit, stray_commit)


@asynccontextmanager
async def serving(program: Path, port: int, env: str = "prod") -> AsyncIterator[str]:
    """Run a build at a port; give its address."""
    process = await asyncio.create_subprocess_exec(
        str(program), f"127.0.0.1:{port}", env={"RUNTIME_ENV": env},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


def configured(builds: Builds, ports: list[int], gateway: str) -> list[str]:
    opens = 'branches = ["main"], opens = ["dirty_tree"], severity = "SEV2"'
    guard = f'guard = {{ env = "prod", {opens}, stamped = true, cron = "{CRON}" }}'
    lines = [
        f'pushgateway = "{gateway}"',
        "[[services]]",
        'name = "shop"',
        f'repository = "{builds.repository}"',
        guard,
    ]
    for number, port in enumerate(ports, 1):
        address = f'"http://127.0.0.1:{port}"'
        lines += ["[[services.targets]]", f'name = "shop-{number}"', f"pprof = {address}", f"url = {address}"]
        lines += ['version = "/version"']
    return lines


def shown(language: str, sign: str) -> str:
    """Give the block of the docs that holds a sign."""
    blocks = FENCED.findall(read("docs/build-guard.md"))
    (block,) = [text for written_in, text in blocks if written_in == language and sign in text]
    return str(block)


@dataclass
class Prometheus:
    """One that scrapes the gateway, and holds the alerts of the docs against what it scraped."""

    url: str

    async def sees(self, *reasons: str) -> None:
        """Wait until it has a series above 0, and an alert that is pending, for each of the reasons, and no other."""
        pending = {("BuildIsNotWhatItShouldBe", each, "pending") for each in reasons}
        labels = {"__name__": METRIC, "job": JOB, "service": "shop", "env": "prod"}

        async def seen() -> bool:
            try:
                return await self._alerts() == pending and await self._violations() == [
                    {**labels, "reason": each} for each in sorted(reasons)
                ]
            except httpx.HTTPError:
                return False

        await eventually(seen, WITHIN_S)

    async def _violations(self) -> list[dict[str, str]]:
        found = await self._ask("query", query=f"{METRIC} > 0")
        return sorted((row["metric"] for row in found["result"]), key=lambda each: each["reason"])

    async def _alerts(self) -> set[tuple[str, str, str]]:
        held = (await self._ask("alerts"))["alerts"]
        return {(each["labels"]["alertname"], each["labels"]["reason"], each["state"]) for each in held}

    async def _ask(self, path: str, **query: str) -> Any:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.url}/api/v1/{path}", params=query)
        return answer.raise_for_status().json()["data"]


@asynccontextmanager
async def monitoring(folder: Path, gateway: str) -> AsyncIterator[Prometheus]:
    """Run a Prometheus as the docs configure it, but for how often it looks."""
    (folder / "guard.yml").write_text(shown("yaml", "groups:"))
    often = "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}"
    scraping = shown("yaml", "scrape_configs:").replace("127.0.0.1:9091", gateway.removeprefix("http://"))
    async with running_prometheus(folder, f"{often}\nrule_files: [guard.yml]\n{scraping}") as (url, _):
        yield Prometheus(url)


async def told(gateway: str) -> dict[str, float]:
    """Give what Prometheus would read of shop, but for what is 0."""
    return {reason: number for (service, env, reason), number in (await scraped(gateway)).items() if number}


async def strict(url: str, query: str = "") -> tuple[int, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/healthz?strict=1{query}")
    is_json = answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["reasons"] if is_json else answer.text.split()


async def served_before(database: str) -> None:
    """Let the guard's last slot but one be the last that was served, as if the bot had been away since."""
    (timed,) = guards(Catalog((Service("shop", (), guard=GuardPlan(cron=CRON)),)))
    *_, last, _ = timed.slots.between((now := datetime.now(UTC)) - timedelta(minutes=25), now)
    store = SqlStore(database)
    await store.write(lambda tx: SqlMarks().put(tx, f"schedule:{timed.key}", name_of(last)))
    await store.close()


PIPELINES = {"GITHUB_RUN_ID": ("- run: |", "    "), "CI_PIPELINE_ID": ("  script:", "    - ")}
"""By the number that each tells: how its script begins in the docs, and how each line of it does."""


def pipeline(number: str) -> str:
    """Give the script that the docs show for a pipeline."""
    begin, mark = PIPELINES[number]
    lines = shown("yaml", number).partition(f"{begin}\n")[2].splitlines()
    assert all(line.startswith(mark) for line in lines)
    return "\n".join(line.removeprefix(mark) for line in lines)


@pytest.mark.parametrize("number", PIPELINES)
def test_a_pipeline_fails_where_its_stamp_does(number: str, tmp_path: Path) -> None:
    place, commit = tree(tmp_path)
    (place / "tried.go").write_text("package main\n")
    dirty = piped(pipeline(number), place, {number: "4711"})
    assert dirty.returncode != 0
    assert "has changes that no commit holds" in dirty.stderr
    assert not (place / "bin").exists()

    (place / "tried.go").unlink()
    clean = piped(pipeline(number), place, {number: "4711"})
    assert clean.returncode == 0, clean.stderr
    assert f"-X main.buildID=4711 -X main.gitCommit={commit} " in version_of(place / "bin" / "shop")


def version_of(program: Path) -> str:
    """Say what Go itself reads of a program."""
    words = [str(find_go()), "version", "-m", str(program)]
    return subprocess.run(words, env=build_environment(), check=True, capture_output=True, text=True).stdout


def test_where_no_stamp_can_be_made_nothing_is_built(tmp_path: Path) -> None:
    place, _ = tree(tmp_path)
    shutil.rmtree(place / ".git")
    line = shown("sh", "go build")
    assert piped(line, place, {}).returncode != 0
    assert not (place / "bin").exists()


async def test_its_slot_comes_due_and_nobody_need_ask(builds: Builds, tmp_path: Path) -> None:
    port, database = free_port(), fresh_sqlite(tmp_path, "firstfive.db")
    await served_before(database)
    async with (
        running_pushgateway(tmp_path) as gateway,
        serving(builds.dirty, port),
        running_stack(tmp_path, config=configured(builds, [port], gateway)) as stack,
    ):
        (incident,) = await eventually(lambda: stack.listed("/api/v1/incidents"), WITHIN_S)
        assert (incident["severity"], incident["service"]) == ("SEV2", "shop")
        assert incident["title"].startswith("dirty_tree on shop-1: It was built from ")
        (opened, *_) = await stack.listed("/api/v1/incidents/INC-1/entries")
        assert (opened["kind"], opened["actor"]) == ("opened", "alerts:guard")

        async def looked() -> Any:
            run = await stack.get(f"/api/v1/runs/{opened['run_id'].partition('.')[0]}")
            return run if run["status"] == "done" else None

        run = await eventually(looked, WITHIN_S)
        assert (run["actor"]["id"], run["source"]["via"]) == ("firstfive", "schedule")
        assert (run["plan"]["playbook"], run["plan"]["params"]) == ("guard", {"service": "shop"})
        assert await told(gateway) == {"dirty_tree": 1.0}
        assert await strict(stack.bot.url, "&target=shop-1") == (503, ["dirty_tree"])
        assert len(await stack.listed("/api/v1/incidents")) == 1


async def test_a_dirty_build_is_found_at_the_deploy_and_is_over_when_it_is_gone(builds: Builds, tmp_path: Path) -> None:
    ports = [free_port() for _ in range(3)]
    async with (
        running_pushgateway(tmp_path) as gateway,
        monitoring(tmp_path, gateway) as prometheus,
        serving(builds.release, ports[0]) as first,
        serving(builds.stray, ports[1]),
        running_stack(tmp_path, config=configured(builds, ports, gateway)) as stack,
    ):
        async with serving(builds.dirty, ports[2]) as third, httpx.AsyncClient() as client:
            deploy = {"service": "shop", "release": "v1", "commit": builds.commit, "at": "2026-03-01T12:00:00Z"}
            (await client.post(f"{stack.bot.url}/api/deploys", json=deploy)).raise_for_status()
            (incident,) = await eventually(lambda: stack.listed("/api/v1/incidents"), WITHIN_S)
            assert (incident["severity"], incident["service"]) == ("SEV2", "shop")
            assert incident["title"].startswith("dirty_tree on shop-3: It was built from ")
            await prometheus.sees("dirty_tree", "commit_mismatch", "commit_not_in_branch")
            assert await told(gateway) == {"dirty_tree": 1.0, "commit_mismatch": 1.0, "commit_not_in_branch": 1.0}
            assert await strict(stack.bot.url, "&target=shop-1") == (200, [])
            assert await strict(stack.bot.url, "&target=shop-2") == (503, ["commit_mismatch", "commit_not_in_branch"])
            assert await strict(stack.bot.url, "&target=shop-3") == (503, ["dirty_tree"])
            assert await strict(first) == (200, ["ok"])
            assert await strict(third) == (503, ["dirty_tree"])

        async with serving(builds.release, ports[2], "staging") as third:
            await stack.type("/incident guard shop")
            await prometheus.sees("environment_mismatch", "commit_mismatch", "commit_not_in_branch")
            assert "dirty_tree" not in await told(gateway)
            assert await strict(third) == (503, ["environment_mismatch"])
            assert await strict(stack.bot.url, "&target=shop-3") == (503, ["environment_mismatch"])

            async def resolved() -> list[dict[str, Any]]:
                entries = await stack.listed("/api/v1/incidents/INC-1/entries")
                return [each["body"] for each in entries if each["kind"] == "alert resolved"]

            (over,) = await eventually(resolved, WITHIN_S)
            assert over["names"] == ["dirty_tree on shop-3"]
            assert len(await stack.listed("/api/v1/incidents?ended=true")) == 1
