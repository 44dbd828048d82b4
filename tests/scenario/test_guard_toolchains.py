"""One commit, built by three Gos: the guard names who was built by another than was stamped, or deployed.

The old toolchains are those of `test_go_versions`: `make test-full` alone installs and runs them.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import headless
from bot.settings import Settings
from tests.databases import fresh_sqlite
from tests.integration.contracts.test_gateway import running_pushgateway
from tests.integration.test_go_versions import toolchain
from tests.scenario.test_build_guard import compiled, serving, stamped, strict, told, tree
from tests.stack import free_port

pytestmark = [pytest.mark.matrix(sample=0), pytest.mark.go, pytest.mark.timeout(900)]
OTHER = "go_version_mismatch"


@dataclass
class Builds:
    """The programs, the commit that they are all of, and the Go that most are built by."""

    repository: Path
    commit: str
    programs: list[Path]
    go: str


def built(folder: Path) -> Builds:
    """Build as it is stamped, also with an experiment; by an older Go that says so; by one with a stamp of the new."""
    place, commit = tree(folder)
    stamp = stamped(place)
    right = compiled(place, folder / "right")
    tried = compiled(place, folder / "tried", experiment="nogreenteagc")
    honest = compiled(place, folder / "honest", go=toolchain("1.23"))
    false = compiled(place, folder / "false", go=toolchain("1.21"), stamp=stamp)
    (go,) = re.findall(r"goVersion=(\S+)", stamp)
    return Builds(place, commit, [right, tried, honest, false], go)


def settings(folder: Path, repository: Path, addresses: list[str], gateway: str) -> Settings:
    targets = [
        {"name": f"shop-{number}", "pprof": url, "url": url, "version": "/version"}
        for number, url in enumerate(addresses, 1)
    ]
    service = {"name": "shop", "repository": str(repository), "targets": targets, "guard": {"env": "prod"}}
    kept = {"database_url": fresh_sqlite(folder), "artifacts_url": str(folder / "artifacts")}
    return Settings.model_validate({**kept, "services": [service], "pushgateway": gateway})


async def result(given: Settings, playbook: str, **params: str) -> dict[str, Any]:
    report = await headless.run(given, playbook, {"service": "shop", **params})
    assert report.run.status.value == "done", report.run.reason
    return dict(report.run.result)


async def test_who_was_built_by_another_go_than_was_stamped_or_deployed_is_named(tmp_path: Path) -> None:
    builds = await asyncio.to_thread(built, tmp_path)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running_pushgateway(tmp_path))
        urls = [await stack.enter_async_context(serving(each, free_port())) for each in builds.programs]
        given = settings(tmp_path, builds.repository, urls, gateway)
        before = (await result(given, "guard"))["violations"]
        pushed = await told(gateway)
        await result(given, "deploy", release="v1", commit=builds.commit, go=builds.go)
        after = (await result(given, "guard"))["violations"]
        assert [await strict(url) for url in urls] == [(200, ["ok"])] * 3 + [(503, [OTHER])]
        assert await told(gateway) == {OTHER: 2.0}

    assert [(each["target"], each["reason"]) for each in before] == [("shop-4", OTHER)]
    assert before[0]["claim"].startswith(f"It is stamped {builds.go} and was built by go1.21.")
    assert pushed == {OTHER: 1.0}
    assert [(each["target"], each["reason"]) for each in after] == [("shop-3", OTHER), ("shop-4", OTHER)]
    for wrong, go in zip(after, ("go1.23.", "go1.21."), strict=True):
        assert f"toolchain {go}" in wrong["claim"]
        assert f"the deploy record: {builds.go}" in wrong["claim"]
