"""What a house at work exposes, and what is made of it: promtool is the second opinion on all."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.house.tree import ROOT
from tests.integration.prometheus_process import running_prometheus
from tests.page_house import running_pages, settings_in
from tests.samples import BOTS
from tests.unit.adapters.test_metrics import MOMENT, STEPS, busy, metrics

pytestmark = [BOTS, pytest.mark.prometheus]

FOLDER = ROOT / "docs/monitoring"
NAME = re.compile(r"\b(?:firstfive|process)_[a-z_]+")
DONE = re.compile(r'firstfive_runs_total\{playbook="start",status="done"\} [1-9]')


def promtool(*words: str, given: str = "") -> str:
    """Run it; give what it complains of, "" for nothing."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, check=False)
    return done.stderr if words[:2] == ("check", "metrics") else ("" if done.returncode == 0 else done.stdout)


def expressions() -> Iterator[tuple[str, str]]:
    """Give every expression of the dashboard, by its panel, as Grafana asks for it."""
    board: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$job", "firstfive")


async def at_work(url: str) -> tuple[str, str]:
    """Open an incident, and give what is exposed then: as text, and as OpenMetrics."""
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as client:
        answer = await client.post("/api/v1/commands", json={"text": "start sev2 checkout is slow"})
        assert answer.is_success, answer.text
        exposed = ""
        while not DONE.search(exposed):
            exposed = (await client.get("/metrics")).text
            await asyncio.sleep(0.02)
        return exposed, (await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})).text


async def test_a_house_at_work_exposes_what_promtool_and_the_dashboard_want(tmp_path: Path) -> None:
    async with running_pages(settings_in(tmp_path)) as url:
        text, open_ = await at_work(url)
    assert await asyncio.to_thread(promtool, "check", "metrics", given=text) == ""
    assert open_.endswith("# EOF\n")
    for line in (
        r'firstfive_open_incidents\{severity="SEV2"\} 1.0',
        r'firstfive_commands_total\{verb="start",via="api"\} 1.0',
        r'firstfive_steps_total\{outcome="done",playbook="start",step="\w+"\} 1.0',
        r"firstfive_run_wait_seconds_count [1-9]",
        r"firstfive_write_seconds_count [1-9]",
        r"firstfive_replicas 1.0",
        r'firstfive_part_usable\{part="database"\} 1.0',
        r'firstfive_part_degraded\{part="slack"\} 1.0',
    ):
        assert re.search(f"^{line}", text, re.MULTILINE), line
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    exposed |= {f"{name}_{end}" for name in exposed for end in ("bucket", "count", "sum")}
    told = [FOLDER / "alerts.yml", FOLDER / "alerts_test.yml"]
    asked = {name for _, expression in expressions() for name in NAME.findall(expression)}
    asked |= {name for file in told for name in NAME.findall(file.read_text())}
    assert asked - exposed == set()


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, (_, expr) in enumerate(expressions())]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert len(rules) > 20
    assert promtool("check", "rules", str(file)) == ""


async def test_prometheus_answers_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    counted = metrics()

    async def expose(_: web.Request) -> web.Response:
        """Expose one more of everything each time: what is counted grows."""
        busy(counted).step_ended("start", next(iter(STEPS["start"])), "failed", 1.0)
        counted.adapter_call("targets", "probe", "raised", 1.0)
        content, kind = await counted.exposition(MOMENT)
        return web.Response(body=content, headers={"Content-Type": kind})

    app = web.Application()
    app.router.add_get("/metrics", expose)
    async with TestServer(app) as server:
        job: dict[str, Any] = {"job_name": "firstfive", "scrape_interval": "500ms", "scrape_timeout": "500ms"}
        job["static_configs"] = [{"targets": [f"127.0.0.1:{server.port}"]}]
        async with running_prometheus(tmp_path, json.dumps({"scrape_configs": [job]})) as (url, _):
            assert await unanswered(url, [expression for _, expression in expressions()]) == []


async def unanswered(url: str, left: list[str]) -> list[str]:
    """Ask until everything was answered with something; give what never was."""
    async with httpx.AsyncClient(base_url=url) as client:
        for _ in range(200):
            left = [each for each in left if not await is_answered(client, each)]
            if not left:
                break
            await asyncio.sleep(0.2)
    return left


async def is_answered(client: httpx.AsyncClient, expression: str) -> bool:
    try:
        told = (await client.get("/api/v1/query", params={"query": expression})).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(told.get("data", {}).get("result"))


def test_panels_have_a_place_of_their_own() -> None:
    places = [panel["gridPos"] for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    assert promtool("check", "rules", str(FOLDER / "alerts.yml")) == ""
    assert promtool("test", "rules", str(FOLDER / "alerts_test.yml")) == ""


def test_every_alert_is_tried_and_listed() -> None:
    names = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
    assert set(re.findall(r"alertname: (\w+)", (FOLDER / "alerts_test.yml").read_text())) == names
    assert set(re.findall(r"^\| `(FirstFive\w+)`", (ROOT / "docs/monitoring.md").read_text(), re.MULTILINE)) == names
