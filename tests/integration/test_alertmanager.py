"""A real Alertmanager sends alerts to the real bot, with the local Slack beside it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.emulator_process import BEN, eventually
from tests.samples import BOTS
from tests.stack import Stack, free_port, running_stack

pytestmark = [BOTS, pytest.mark.alertmanager, pytest.mark.timeout(120)]
TOKEN = "alerts-secret"
PROGRAM = "prometheus-alertmanager"
WITHIN_S = 20.0
RULES = """
[[alerts]]
match = { alertname = "Watchdog" }
do = "ignore"
"""


@dataclass
class World:
    """The bot, its Slack, and the Alertmanager that knows the bot's address."""

    stack: Stack
    alertmanager: str

    async def fire(self, *labels: Mapping[str, str], started: timedelta = timedelta(0), ended: bool = False) -> None:
        """Post alerts as Prometheus does; `started` ago."""
        now = datetime.now(UTC)
        alerts = [
            {
                "labels": {"severity": "critical", "service": "checkout", **each},
                "annotations": {"summary": "5xx above 5 %"},
                "startsAt": (now - started).isoformat(),
                "endsAt": (now if ended else now + timedelta(hours=1)).isoformat(),
                "generatorURL": "http://prometheus.test/graph",
            }
            for each in labels
        ]
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.alertmanager}/api/v2/alerts", json=alerts) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def incidents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.stack.listed("/api/v1/incidents?ended=true")
        return found

    async def told(self, kind: str, incident_id: str = "INC-1") -> list[dict[str, Any]]:
        entries = await self.stack.listed(f"/api/v1/incidents/{incident_id}/entries")
        return [entry["body"] for entry in entries if entry["kind"] == kind]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    monkeypatch.setenv("FIRSTFIVE_ALERTS_TOKEN", TOKEN)
    config = ['announcements = "#general"', RULES]
    async with (
        running_stack(tmp_path, config=config) as stack,
        alertmanager(tmp_path, f"{stack.bot.url}/alerts/alertmanager") as url,
    ):
        yield World(stack, url)


@asynccontextmanager
async def alertmanager(folder: Path, webhook: str) -> AsyncIterator[str]:
    """Start an Alertmanager that repeats itself every second or so."""
    config, port = folder / "alertmanager.yml", free_port()
    config.write_text(
        f"""route: {{receiver: firstfive, group_by: [alertname, service], group_wait: 200ms,
  group_interval: 500ms, repeat_interval: 1s}}
receivers:
- name: firstfive
  webhook_configs:
  - url: {webhook}
    http_config: {{authorization: {{credentials: {TOKEN}}}}}
"""
    )
    with (folder / "alertmanager.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, f"--config.file={config}", f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await eventually(lambda: is_ready(f"http://127.0.0.1:{port}"), WITHIN_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def is_ready(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_one_alert_is_one_incident_until_it_resolves_and_nobody_need_type_anything(world: World) -> None:
    await world.fire({"alertname": "HighErrorRate"}, {"alertname": "Watchdog"}, started=timedelta(seconds=40))
    incident = (await eventually(world.incidents, WITHIN_S))[0]
    assert (incident["severity"], incident["service"]) == ("SEV2", "checkout")
    assert incident["title"] == "HighErrorRate: 5xx above 5 %"
    await eventually(world.stack.incident_channels, WITHIN_S)
    told = await eventually(lambda: world.told("alert fired"), WITHIN_S)
    assert [each["count"] for each in told] == [1]
    milestones = {each["milestone"]: each["at"] for each in await world.told("milestone")}
    assert 35 < (milestones["detected"] - milestones["started"]) / 1e6 < 60

    await asyncio.sleep(3)  # it repeats itself now, which must change nothing
    await world.fire({"alertname": "HighErrorRate"}, started=timedelta(seconds=40), ended=True)
    await eventually(lambda: world.told("alert resolved"), 40.0)
    assert len(await world.told("alert fired")) == 1
    assert len(await world.incidents()) == 1


async def test_a_storm_of_a_thousand_alerts_is_one_incident_for_each_group(world: World) -> None:
    alerts = [
        {"alertname": f"Rule{number % 3}", "instance": str(number), "service": "checkout"} for number in range(1_000)
    ]
    for first in range(0, 1_000, 100):
        await world.fire(*alerts[first : first + 100])

    async def counted() -> bool:
        found = [await world.told("alert fired", incident["id"]) for incident in await world.incidents()]
        return sum(int(told["count"]) for each in found for told in each) == 1_000

    await eventually(counted, 60.0)
    incidents = await world.incidents()
    assert len(incidents) == 3
    assert len({incident["title"].partition(":")[0] for incident in incidents}) == 3
    for incident in incidents:
        assert len(await world.told("alert fired", incident["id"])) <= 4


async def test_a_warning_becomes_one_message_whose_button_opens_the_incident(world: World) -> None:
    await world.fire({"alertname": "DiskFills", "severity": "warning"})

    async def proposals() -> list[dict[str, Any]]:
        messages = (await world.stack.slack.channel("general"))["messages"]
        return [
            message for message in messages if "proposes an incident" in str(message) or "opened for" in str(message)
        ]

    (message,) = await eventually(proposals, WITHIN_S)
    assert await world.incidents() == []
    action = next(block for block in message["blocks"] if block["type"] == "actions")["elements"][0]
    assert action["text"]["text"] == "Open an incident"
    channel = await world.stack.slack.id_of("general")
    pressed = {"channel": channel, "message_ts": message["ts"], "action_id": action["action_id"]}
    await world.stack.slack.act("action", user=BEN, **pressed)
    (incident,) = await eventually(world.incidents, WITHIN_S)
    assert incident["severity"] == "SEV3"

    async def changed() -> bool:
        return ["opened for" in str(each) for each in await proposals()] == [True]

    await eventually(changed, WITHIN_S)
