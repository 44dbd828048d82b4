"""A gateway tells what was pushed last and nothing else: Debian's Pushgateway, and the fake."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.adapters.pushgateway import JOB, METRIC, Pushgateway
from bot.domain.guard_plan import Reason
from bot.domain.run import Missing
from bot.ports import Gateway
from tests.fakes import FakeGateway
from tests.integration.emulator_process import eventually
from tests.samples import BOTS
from tests.stack import free_port

pytestmark = BOTS

PROGRAM = "prometheus-pushgateway"
Told = dict[tuple[str, str, str], float]
"""What is told by service, environment and reason."""


@asynccontextmanager
async def running_pushgateway(folder: Path, *options: str) -> AsyncIterator[str]:
    """Start one; give its address. It may ask who wants to know."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    port = free_port()
    with (folder / "pushgateway.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, f"--web.listen-address=127.0.0.1:{port}", f"--persistence.file={folder / 'pushed'}",
            *options, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await eventually(lambda: _answers(f"http://127.0.0.1:{port}"), 20.0)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/-/ready")).status_code in {200, 401}
    except httpx.TransportError:
        return False


async def scraped(url: str, job: str = JOB) -> Told:
    """Read what it tells, as Prometheus would."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    families = [each for each in text_string_to_metric_families(text) if each.name == METRIC]
    samples = [each for family in families for each in family.samples if each.labels["job"] == job]
    return {(one.labels["service"], one.labels["env"], one.labels["reason"]): one.value for one in samples}


@dataclass
class Ground:
    gateway: Gateway
    told: Callable[[], Awaitable[Told]]
    url: str = ""


@pytest.fixture(params=["fake", "pushgateway"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    if request.param == "fake":
        fake = FakeGateway()

        async def told() -> Told:
            await asyncio.sleep(0)
            kept = fake.told.items()
            return {(name, env, each.value): float(n) for (name, env), counts in kept for each, n in counts.items()}

        yield Ground(fake, told)
        return
    async with running_pushgateway(tmp_path) as url:
        yield Ground(Pushgateway(url), lambda: scraped(url), url)


async def test_it_tells_what_was_pushed_last_and_forgets_the_rest(ground: Ground) -> None:
    gateway = ground.gateway
    assert await gateway.push("checkout", "prod", {Reason.DIRTY_TREE: 2, Reason.UNSEEN: 0}) is None
    assert await gateway.push("payment.v2", "", {Reason.COMMIT_MISMATCH: 1}) is None
    assert await ground.told() == {
        ("checkout", "prod", "dirty_tree"): 2.0,
        ("checkout", "prod", "unseen"): 0.0,
        ("payment.v2", "", "commit_mismatch"): 1.0,
    }
    assert await gateway.push("checkout", "prod", {Reason.DIRTY_TREE: 0}) is None
    assert await gateway.push("checkout", "staging", {Reason.DIRTY_TREE: 3}) is None
    assert await gateway.push("payment.v2", "prod", {}) is None
    assert await gateway.forget([("payment.v2", ""), ("checkout", "staging"), ("gone", "prod")]) is None
    assert await ground.told() == {("checkout", "prod", "dirty_tree"): 0.0}


async def test_what_others_push_is_left_alone(tmp_path: Path) -> None:
    async with running_pushgateway(tmp_path) as url, httpx.AsyncClient() as client:
        theirs = f"{url}/metrics/job/nightly/service/checkout"
        await client.put(theirs, content=f"# TYPE {METRIC} gauge\n{METRIC}{{env='',reason='x'}} 1\n".replace("'", '"'))
        gateway = Pushgateway(url)
        assert await gateway.push("checkout", "prod", {Reason.DIRTY_TREE: 1}) is None
        assert await gateway.forget([("checkout", "prod")]) is None
        assert await scraped(url) == {}
        assert list(await scraped(url, "nightly")) == [("checkout", "", "x")]


async def test_a_gateway_that_is_none_or_away_is_a_reason_and_no_error() -> None:
    gone = Pushgateway(f"http://user:secret@127.0.0.1:{free_port()}")
    away = await gone.push("checkout", "prod", {})
    assert isinstance(away, Missing)
    assert "secret" not in away.reason + gone.place
    assert isinstance(await gone.forget([("checkout", "prod")]), Missing)
    assert Pushgateway(None).place == ""
