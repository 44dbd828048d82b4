"""A real Prometheus scrapes the real service: the digest's failures and its percentile are those of what was sent."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from bot import headless
from bot.adapters.prometheus import PrometheusMetrics
from bot.lab import folders, releases
from bot.lab.processes import Child
from bot.settings import Settings
from tests.databases import fresh_sqlite
from tests.integration.emulator_process import eventually
from tests.integration.prometheus_process import running_prometheus
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.prometheus, pytest.mark.timeout(600)]
WITHIN_S = 30.0
CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: checkout
  static_configs: [{{targets: ["{admin}"]}}]
"""


@dataclass
class Checkout:
    """One target of the lab's service that gets no requests but the test's, and who counts those."""

    url: str
    admin: str
    client: httpx.AsyncClient

    async def send(self, count: int) -> Counter[int]:
        answers = await asyncio.gather(*(self.client.get(self.url) for _ in range(count)))
        return Counter(answer.status_code for answer in answers)

    async def fault(self, name: str, *, on: bool) -> None:
        answer = await self.client.post(f"{self.admin}/debug/faults/{name}", json={"on": on})
        answer.raise_for_status()

    async def buckets(self) -> dict[float, int]:
        """Read the service's own histogram: answers within so many seconds."""
        text = (await self.client.get(f"{self.admin}/metrics")).text
        rows = [line for line in text.splitlines() if line.startswith("http_request_duration_seconds_bucket")]
        return {float(row.split('"')[1]): int(row.split()[-1]) for row in rows}


@contextmanager
def program(folder: Path) -> Iterator[dict[str, str]]:
    made = releases.prepare(folders.cache() / "lab").program(releases.HEALTHY)
    command = [str(made), "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-follow-stdin"]
    with Child("checkout-1", command, folder / "checkout.log") as child:
        yield child.announcement()


@asynccontextmanager
async def checkout(folder: Path) -> AsyncIterator[Checkout]:
    limits = httpx.Limits(max_connections=8)
    with program(folder) as at:
        async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as client:
            yield Checkout(at["url"], at["admin"], client)


@dataclass
class Scraper:
    """A Prometheus and its process."""

    url: str
    process: asyncio.subprocess.Process

    async def count(self) -> float:
        """Give how many answers it has seen; -1 before it knows of any, or answers itself."""
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                query = {"query": "sum(http_requests_total)"}
                rows = (await client.get(f"{self.url}/api/v1/query", params=query)).json()["data"]["result"]
        except (httpx.HTTPError, ValueError):
            return -1
        return float(rows[0]["value"][1]) if rows else -1

    async def has_seen(self, answers: int) -> None:
        async def seen() -> bool:
            return await self.count() == answers

        await eventually(seen, WITHIN_S)


@asynccontextmanager
async def scraping(folder: Path, admin: str) -> AsyncIterator[Scraper]:
    config = CONFIG.format(admin=admin.removeprefix("http://"))
    async with running_prometheus(folder, config) as (url, process):
        yield Scraper(url, process)


async def digest(settings: Settings) -> str:
    report = await headless.run(settings, "digest", {})
    assert report.run.status.value == "done", report.run.reason
    return str(report.run.result["text"])


def quantile(share: float, buckets: Mapping[float, int]) -> float:
    """Interpolate as Prometheus documents it: linearly within the bucket that the rank falls into."""
    rank = share * max(buckets.values())
    for (low, before), (high, within) in pairwise([(0.0, 0), *sorted(buckets.items())]):
        if within >= rank:
            return low + (high - low) * (rank - before) / (within - before)
    raise AssertionError(buckets)


def watching(folder: Path, service: Checkout, prometheus: str) -> Settings:
    """Watch the service, and one more whose Prometheus is none."""
    target = {"name": "checkout-1", "pprof": service.admin}
    services = [
        {"name": "checkout", "prometheus": prometheus, "targets": [target]},
        {"name": "garbage", "prometheus": service.url},
    ]
    known = {"database_url": fresh_sqlite(folder), "artifacts_url": str(folder / "artifacts")}
    return Settings.model_validate({**known, "services": services})


async def fail(service: Checkout, requests: int) -> None:
    """Let three of ten requests fail."""
    await service.fault("error-ratio", on=True)
    assert await service.send(requests) == {200: requests * 7 // 10, 500: requests * 3 // 10}
    await service.fault("error-ratio", on=False)


async def draw(prometheus: Scraper) -> None:
    """What is drawn ends with what Prometheus says of now, and begins where it knew of nothing."""
    second, query = timedelta(seconds=1), "sum(http_requests_total)"
    soon = datetime.now(UTC) + 2 * second
    values = await PrometheusMetrics().history(prometheus.url, query, soon, 300 * second, second)
    assert isinstance(values, tuple)
    assert (len(values), values[0]) == (300, None)
    known = [value for value in values if value is not None]
    assert known == sorted(known)
    assert known[0] < known[-1] == 248.0


async def outlive(prometheus: Scraper, settings: Settings) -> None:
    """A Prometheus that hangs or is gone is one line of a digest that goes out."""
    prometheus.process.send_signal(signal.SIGSTOP)
    slow = await digest(settings)
    assert f"New: checkout: no metrics: {prometheus.url} gave no answer within 3 s" in slow
    assert len([line for line in slow.splitlines() if "checkout:" in line]) == 1
    prometheus.process.kill()
    await prometheus.process.wait()
    assert f"New: checkout: no metrics: {prometheus.url} cannot be asked" in await digest(settings)


async def test_ratio_and_percentile_are_those_of_what_was_sent(tmp_path: Path) -> None:
    async with checkout(tmp_path) as service:
        # A rate counts from the first value of its series, and is not extrapolated to where it would have been zero:
        # so there is something of everything before what is to be measured.
        await fail(service, 100)
        before = await service.buckets()
        async with scraping(tmp_path, service.admin) as prometheus:
            await prometheus.has_seen(100)
            settings = watching(tmp_path, service, prometheus.url)
            assert await service.send(100) == {200: 100}
            await prometheus.has_seen(200)
            healthy = [await digest(settings) for _ in range(3)]
            assert "checkout" not in healthy[-1].replace(service.url, "")
            assert f"garbage: no metrics: {service.url} answered 404 with" in healthy[-1]

            await fail(service, 40)
            await service.fault("slow-downstream", on=True)
            assert await service.send(8) == {200: 8}
            await prometheus.has_seen(248)
            ill = await digest(settings)
            now = await service.buckets()
            expected = quantile(0.95, {bound: now[bound] - before[bound] for bound in now})
            assert 0.5 < expected < 1
            assert f"checkout: {100 * 12 / 148:.1f} % of requests fail" in ill
            assert f"checkout: {1_000 * expected:.0f} ms at the 95th percentile, usually" in ill
            await draw(prometheus)
            await outlive(prometheus, settings)
