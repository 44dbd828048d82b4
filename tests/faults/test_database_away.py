"""The database away for a while, gone or silent: runs pause and go on, commands are answered, nothing is lost."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import headless
from bot.domain.errors import StoreUnusable
from bot.settings import Settings
from tests.databases import fresh_postgres
from tests.faults.proxy import Proxy, proxy_to_postgres
from tests.integration.contracts.engines import Engines, engines_on
from tests.integration.emulator_process import eventually
from tests.replicas import Replicas, running_replicas
from tests.samples import DEATHS

pytestmark = [DEATHS, pytest.mark.postgres]

AWAY_S = [5.0, pytest.param(60.0, marks=pytest.mark.timeout(240))]


@pytest.fixture
async def line() -> AsyncIterator[tuple[str, Proxy]]:
    with fresh_postgres() as url, tempfile.TemporaryDirectory(prefix="ff-") as folder:  # a socket's path must be short
        async with proxy_to_postgres(url, Path(folder)) as made:
            yield url, made


@pytest.fixture
async def engines(line: tuple[str, Proxy], tmp_path: Path) -> AsyncIterator[Engines]:
    async with engines_on("distributed", line[1].url, tmp_path) as made:
        yield made


async def gone(line: Proxy, seconds: float) -> None:
    await line.refuse()
    await asyncio.sleep(seconds)
    await line.heal()


async def silent(line: Proxy, seconds: float) -> None:
    line.silence()
    await asyncio.sleep(seconds)
    await line.heal()


@pytest.mark.parametrize("away", [gone, silent])
@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("seconds", AWAY_S)
async def test_runs_go_on_when_the_database_is_back(
    engines: Engines, line: tuple[str, Proxy], away: Any, seconds: float
) -> None:
    engine = engines.engine()
    await engine.start()
    await engines.admit("waits", "wait")
    await engines.admit("slow", "slow")
    await engines.until_traced("waits middle", "slow middle")
    await away(line[1], seconds)
    began = time.monotonic()
    await eventually(lambda: _signalled(engines), 20)
    await engines.until("waits", "slow", within_s=20)
    assert time.monotonic() - began < 15
    await engines.admit("later")
    await engines.until("later", within_s=10)
    await engine.stop(1)
    traced = Counter(engines.traced)
    assert {step: times for step, times in traced.items() if times > 1 and not step.endswith("middle")} == {}
    assert set(traced) == {
        f"{run} {step}" for run in ("waits", "slow", "later") for step in ("first", "middle", "last")
    }


async def test_the_command_line_does_not_wait_for_a_silent_database(line: tuple[str, Proxy], tmp_path: Path) -> None:
    line[1].silence()
    began = time.monotonic()
    with pytest.raises(StoreUnusable, match=r"not recorded: .* has not answered within 2 s\. .*break-glass\.db"):
        await headless.run(Settings(database_url=line[1].url, artifacts_url=str(tmp_path)), "list", {})
    # Two for the answer; a connection is given up after five.
    assert time.monotonic() - began < 4.9


async def test_a_bot_says_what_is_wrong_and_recovers(line: tuple[str, Proxy], tmp_path: Path) -> None:
    async with running_replicas(tmp_path, line[0], line[1].url, count=1) as replicas:
        await replicas.start(0)
        await replicas.type("/incident start sev4 before")
        await eventually(lambda: _incidents(replicas, 1), 10)
        await line[1].refuse()
        answer = await replicas.type("/incident start sev4 meanwhile")
        assert answer["ok"]
        answers = (await replicas.slack.channel("general"))["ephemerals"]
        assert "not recorded" in answers[-1]["text"]
        ready = await replicas.get("/health/ready")
        assert ready["status"] == "unusable"
        assert "database" in ready["text"]
        await asyncio.sleep(5)
        await line[1].heal()
        await eventually(replicas.bots[0].is_ready, 10)
        await replicas.type("/incident start sev4 after")
        await eventually(lambda: _incidents(replicas, 2), 10)
        await eventually(lambda: _shown(replicas, 2), 30)
        await eventually(lambda: _hears_again(replicas), 10)


async def _signalled(engines: Engines) -> bool:
    try:
        await engines.signal("waits")
    except StoreUnusable:
        return False
    return True


async def _hears_again(replicas: Replicas) -> bool:
    return "replicas" not in (await replicas.get("/health/ready"))["degraded"]


async def _incidents(replicas: Replicas, wanted: int) -> bool:
    return len(await replicas.listed("/api/v1/incidents")) == wanted


async def _shown(replicas: Replicas, wanted: int) -> bool:
    channels = await replicas.incident_channels()
    return len(channels) == wanted and all(channel["pins"] for channel in channels)
