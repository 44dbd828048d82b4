"""A real Prometheus says who the targets are: a snapshot asks them, and goes on with the last list when it is gone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import headless
from bot.doctor import Doctor
from bot.domain.checks import State
from bot.settings import Settings
from tests.databases import fresh_sqlite
from tests.integration.emulator_process import eventually
from tests.integration.prometheus_process import running_prometheus
from tests.samples import BOTS
from tests.unit.adapters.hostile import serving, whole
from tests.unit.domain.captures import IDLE, goroutines

pytestmark = [BOTS, pytest.mark.prometheus, pytest.mark.timeout(300)]
CONFIG = """
global: {{scrape_interval: 60s}}
scrape_configs:
- job_name: checkout
  static_configs:
  - {{targets: ["{first}"], labels: {{env: prod, pod: checkout-a}}}}
  - {{targets: ["{second}"], labels: {{env: prod, pod: checkout-b}}}}
  - {{targets: ["10.9.9.9:6060"], labels: {{env: prod, pod: checkout-out}}}}
  - {{targets: ["127.0.0.1:1"], labels: {{env: test, pod: checkout-test}}}}
- job_name: other
  static_configs: [{{targets: ["127.0.0.1:2"]}}]
"""


def settings(folder: Path, prometheus: str, **plan: Any) -> Settings:
    discovery = {"kind": "prometheus", "allow": ["127.0.0.0/8"], "labels": {"env": "prod"}, "name_label": "pod", **plan}
    service = {"name": "checkout", "prometheus": prometheus, "discovery": discovery}
    url = f"sqlite:///{folder / 'firstfive.db'}"
    return Settings.model_validate(
        {"database_url": url, "artifacts_url": str(folder / "artifacts"), "services": [service]}
    )


async def snapshot(given: Settings) -> tuple[str, dict[str, Any]]:
    run = (await headless.run(given, "snapshot", {"service": "checkout", "seconds": 0})).run
    return run.reason, json.loads(json.dumps(run.result or {}))


async def test_its_targets_are_asked_and_outlive_it(tmp_path: Path) -> None:
    fresh_sqlite(tmp_path, "firstfive.db")
    pages = {"/debug/pprof/goroutine": whole(goroutines(*IDLE))}
    async with serving(pages) as first, serving(pages) as second:
        config = CONFIG.format(first=first.removeprefix("http://"), second=second.removeprefix("http://"))
        async with running_prometheus(tmp_path, config) as (url, process):
            given = settings(tmp_path, url)
            await eventually(lambda: scrapes(url, 5), 30)
            reason, found = await snapshot(given)
            assert not reason
            assert {part["target"] for part in found["parts"]} == {"checkout-a", "checkout-b"}
            assert [part["status"] for part in found["parts"] if part["part"] == "goroutine"] == ["ok", "ok"]
            assert "left out: 10.9.9.9:6060; 10.9.9.9 is 10.9.9.9, outside of its allow list" in found["losses"][0]

            checks = {check.name: check for check in await Doctor(given).checks()}
            seen = checks["discovery checkout"]
            assert seen.state is State.WARN
            assert seen.said.startswith("prometheus: found 2, of which 2 answer: checkout-a, checkout-b; checkout:")

            reason, _ = await snapshot(settings(tmp_path, url, job="shop"))
            told = f'{url} scrapes nothing with job="shop": set `job` to one of checkout, other'
            assert reason == f"checkout has no targets. checkout: no target is found: {told}"

            process.kill()
            await process.wait()
            reason, again = await snapshot(given)
            assert not reason
            assert {part["target"] for part in again["parts"]} == {"checkout-a", "checkout-b"}
            assert "checkout: its targets are those of" in again["losses"][0]
            assert f"{url} cannot be asked" in again["losses"][0]
            (check,) = [each for each in await Doctor(given).checks() if each.name == "discovery checkout"]
            assert check.state is State.FAIL


async def scrapes(url: str, count: int) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = (await client.get(f"{url}/api/v1/targets")).json()
    except (httpx.HTTPError, ValueError):
        return False
    await asyncio.sleep(0)
    return len(answer["data"]["activeTargets"]) == count
