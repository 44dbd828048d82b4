"""A request's trace goes on through the bot: to the run it asked for, its steps, and the target; over a kill -9 too."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.collector import Collector, Kept, running_collector
from tests.databases import fresh_sqlite
from tests.integration.emulator_process import eventually
from tests.samples import SCENARIOS
from tests.stack import Bot, free_port

pytestmark = [SCENARIOS, pytest.mark.timeout(300)]

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "ghp_0123456789abcdefghijABCDEFGHIJ"
SENT = {"traceparent": f"00-{TRACE}-{CALLER}-01", "baggage": f"tenant-id=prod,login={SECRET}"}
TITLE = "Xylophone"
SOON_S = 60.0


@dataclass
class Slow:
    """A target that answers nobody until it may; who asked is kept."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    may: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        await self.may.wait()
        return web.Response(status=404)


@asynccontextmanager
async def running_target() -> AsyncIterator[Slow]:
    slow = Slow()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slow.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    slow.url = f"http://127.0.0.1:{port}"
    try:
        yield slow
    finally:
        slow.may.set()
        await runner.cleanup()


def bot_of(folder: Path, target: Slow, collector: str) -> Bot:
    lines = ["[[services]]", 'name = "checkout"', "[[services.targets]]", 'name = "checkout-1"']
    (folder / "firstfive.toml").write_text("\n".join([*lines, f'pprof = "{target.url}"', *telemetry(collector)]))
    environment = {
        "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(folder, "firstfive.db"),
        "ARTIFACTS_URL": str(folder / "artifacts"),
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20of-the-collector",
    }
    return Bot(free_port(), folder, environment)


def telemetry(collector: str) -> list[str]:
    return ["[telemetry]", f'endpoint = "{collector}"'] if collector else []


async def give(bot: Bot, text: str, incident: str = "") -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{bot.url}/api/v1/commands?secret={SECRET}", json={"text": text, "incident": incident}, headers=SENT
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


async def ended(bot: Bot, run: str) -> None:
    async def is_over() -> bool:
        async with httpx.AsyncClient() as client:
            return bool((await client.get(f"{bot.url}/api/v1/runs/{run}")).json().get("ended_at"))

    await eventually(is_over, SOON_S)


async def sent(collector: Collector, name: str, run: str) -> Kept:
    """Give a run's span once it has been sent."""

    async def is_there() -> bool:
        return any(is_it(span, name, run) for span in collector.spans)

    await eventually(is_there, SOON_S)
    (found,) = [span for span in collector.spans if is_it(span, name, run)]
    return found


def is_it(span: Kept, name: str, run: str) -> bool:
    return span.name == name and span.attributes["firstfive.run"] == run


def lines_of(bot: Bot, run: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in bot.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("run") == run]


async def test_a_trace_goes_on_from_the_request_to_the_target_and_over_a_kill(tmp_path: Path) -> None:
    with running_collector() as collector:
        async with running_target() as target:
            bot = bot_of(tmp_path, target, collector.url)
            await bot.start()
            await ended(bot, await give(bot, f"start checkout {TITLE} {SECRET}"))
            run = await give(bot, "snapshot checkout", "INC-1")
            await eventually(asked_by(target), SOON_S)
            await eventually(requests_are_sent(collector, 2), SOON_S)
            await bot.end(signal.SIGKILL)
            before = len(target.asked)
            target.may.set()
            await bot.start()
            root = await sent(collector, "run snapshot", run)
            lines = lines_of(bot, run)
            await bot.end()
    spans = {span.span_id: span for span in collector.of(TRACE)}
    above = spans[root.parent_id]
    assert (above.name, above.parent_id) == ("POST /api/v1", CALLER)
    assert root.attributes["firstfive.attempt"] == 2
    assert root.attributes["firstfive.incident"] == "INC-1"
    assert root.attributes["firstfive.outcome"] in {"done", "failed"}
    steps = [span for span in spans.values() if span.parent_id == root.span_id and span.name.startswith("step ")]
    assert steps
    own = [span for span in spans.values() if span.attributes.get("firstfive.run") == run]
    assert [span for span in own if span.parent_id not in spans] == []
    told = [asked["traceparent"].split("-") for asked in target.asked if TRACE in asked.get("traceparent", "")]
    assert len(told) > before
    callers = [spans[span_id] for _, _, span_id, _ in told if span_id in spans]
    assert {span.parent_id for span in callers} & {step.span_id for step in steps}
    assert all("tenant-id=prod" in asked["baggage"] for asked in target.asked if "baggage" in asked)
    assert {(line["trace_id"], line["incident"], line["playbook"]) for line in lines} == {(TRACE, "INC-1", "snapshot")}
    assert collector.tokens == {"Bearer of-the-collector"}
    assert {span.service for span in spans.values()} == {"firstfive"}
    everything = b"".join(collector.bodies)
    assert [word for word in (SECRET, TITLE, "cli:") if word.encode() in everything] == []


def asked_by(target: Slow) -> Any:
    async def is_so() -> bool:
        return any(TRACE in asked.get("traceparent", "") for asked in target.asked)

    return is_so


def requests_are_sent(collector: Collector, count: int) -> Any:
    """What was not sent yet when a bot is killed is nowhere."""

    async def is_so() -> bool:
        return sum(span.parent_id == CALLER for span in collector.spans) == count

    return is_so


async def test_where_nothing_is_sent_log_lines_name_the_trace_all_the_same(tmp_path: Path) -> None:
    async with running_target() as target:
        target.may.set()
        bot = bot_of(tmp_path, target, "")
        await bot.start()
        run = await give(bot, "snapshot checkout")
        await ended(bot, run)
        assert {line["trace_id"] for line in lines_of(bot, run)} == {TRACE}
        assert [asked for asked in target.asked if "traceparent" in asked] == []
        await bot.end()


async def test_a_collector_that_is_away_costs_one_line_and_no_time_at_the_end(tmp_path: Path) -> None:
    async with running_target() as target:
        target.may.set()
        bot = bot_of(tmp_path, target, f"http://127.0.0.1:{free_port()}")
        await bot.start()
        await ended(bot, await give(bot, "snapshot checkout"))

        async def is_told() -> bool:
            return "the collector of spans takes none" in bot.log

        await eventually(is_told, SOON_S)
        await ended(bot, await give(bot, "list"))
        assert await bot.end() == 0
        assert bot.log.count("collector of spans") == 1
