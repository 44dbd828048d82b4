"""Slack, Prometheus and whoever sends alerts, over lines that are slow, silent, cut, or not there."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.prometheus import PrometheusMetrics
from bot.adapters.sql.store import SqlStore
from bot.domain.run import Missing
from handlers import alerts
from tests.databases import fresh_sqlite
from tests.faults.proxy import Proxy, proxy_to
from tests.integration.emulator_process import ADA, Emulator, running_emulator, served
from tests.integration.slack_bot import Bot, incident_channels, running_bot, until
from tests.integration.test_alert_intake import intake
from tests.unit.adapters.test_prometheus import vector
from tests.unit.alerts import alert, delivery

Harm = Callable[[Proxy], Awaitable[None]]


async def refused(line: Proxy) -> None:
    await line.refuse()


async def silent(line: Proxy) -> None:
    line.silence()


async def cut(line: Proxy) -> None:
    line.cut_after(20)


async def slow(line: Proxy) -> None:
    line.throttle(300)


@pytest.mark.parametrize("harm", [refused, silent, cut, slow])
async def test_a_prometheus_behind_a_bad_line_is_missing_in_time_and_there_again(harm: Harm) -> None:
    app = FastAPI()
    app.add_api_route("/api/v1/query", lambda: vector(({"job": "checkout" * 2_000}, "0.25")))
    metrics = PrometheusMetrics(timeout_s=1.0)
    async with served(app) as url, proxy_to(url) as line:
        await harm(line)
        began = time.monotonic()
        assert isinstance(await metrics.ask(line.url, "up"), Missing)
        assert time.monotonic() - began < 5
        await line.heal()
        found = await metrics.ask(line.url, "up")
        assert not isinstance(found, Missing)
        assert [sample.value for sample in found] == [0.25]


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("harm", [refused, silent, cut, slow])
async def test_slack_behind_a_bad_line_shows_the_incident_once_when_it_is_mended(tmp_path: Path, harm: Harm) -> None:
    app = FastAPI()
    async with (
        served(app) as url,
        running_emulator(f"{url}/slack/events") as slack,
        proxy_to(slack.api_url) as line,
        running_bot(tmp_path, app, line.url) as bot,
    ):
        await harm(line)
        assert (await slack.act("command", user=ADA, channel="general", command="/incident start sev3 slow"))["ok"]
        await until(bot.incidents)
        await until(lambda: _felt(line, bot), 20)
        await line.heal()
        (channel,) = await until(lambda: _shown(bot, slack), 60)
        cards = [m for m in channel["messages"] if m.get("blocks") and m["blocks"][0]["type"] == "header"]
        assert len(cards) == 1


async def _felt(line: Proxy, bot: Bot) -> bool:
    """Tell whether Slack is missed, or was cut off and asked again."""
    return bool(bot.side.ailment()) or line.connections > 1


async def _shown(bot: Bot, slack: Emulator) -> list[dict[str, Any]]:
    channels = await incident_channels(slack)
    is_idle = not bot.side.pending
    return channels if is_idle and channels and all(one["pins"] for one in channels) else []


async def test_alerts_whose_answer_is_lost_are_sent_again_and_counted_once(tmp_path: Path) -> None:
    app, store = FastAPI(), SqlStore(fresh_sqlite(tmp_path))
    app.include_router(alerts.router(intake(store), ""))
    sent = delivery(*(alert(labels={"instance": str(number)}) for number in range(3)))
    async with served(app) as url, proxy_to(url) as line, httpx.AsyncClient(base_url=line.url) as sender:
        line.cut_after(0)
        with pytest.raises(httpx.ReadError):
            await sender.post("/alerts/alertmanager", json=sent)
        again = await sender.post("/alerts/alertmanager", json=sent)
        assert (again.status_code, again.json()) == (
            202,
            {"alerts": 3, "news": 0, "known": 3, "ignored": 0, "runs": []},
        )
    await store.close()
