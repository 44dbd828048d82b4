"""What spans cost: commands admitted and run by two bots in turns, one of which sends every span to a collector."""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.collector import running_collector
from tests.databases import fresh_sqlite
from tests.stack import Bot, free_port

ROUNDS, EACH = 12, 20
_LOOK_S, _MOST_LOOKS = 0.005, 10_000
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Side:
    """A bot, and what a command took of its processor and of time, by round, in milliseconds."""

    bot: Bot
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)

    async def one_round(self, client: httpx.AsyncClient) -> None:
        """Give one command after the other, each until its run has ended."""
        began, working = time.perf_counter(), self._worked_s()
        for _ in range(EACH):
            answer = await client.post(f"{self.bot.url}/api/v1/commands", json={"text": "list"})
            assert answer.status_code == 202, answer.text
            for _ in range(_MOST_LOOKS):
                if (await client.get(f"{self.bot.url}{answer.json()['url']}")).json()["ended_at"]:
                    break
                await asyncio.sleep(_LOOK_S)
        self.wall_ms.append((time.perf_counter() - began) * 1e3 / EACH)
        self.cpu_ms.append((self._worked_s() - working) * 1e3 / EACH)

    def _worked_s(self) -> float:
        assert self.bot.process is not None
        spent = Path(f"/proc/{self.bot.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / _TICKS


def run() -> Iterable[Row]:
    """Measure in turns, then compare round by round."""
    with scratch() as folder, running_collector() as collector:
        off, on = asyncio.run(_measure(folder, collector.url))
        sent = len(collector.spans)
    for what, without, with_ in (("processor", off.cpu_ms, on.cpu_ms), ("time", off.wall_ms, on.wall_ms)):
        ratios = [much / little for little, much in zip(without, with_, strict=True)]
        notes = f"{median(without):.1f} -> {median(with_):.1f} ms a command; {spread(ratios)}; {sent} spans; {load()}"
        yield Row(f"{what}, traced / not", median(ratios), "x", notes=notes)


async def _measure(folder: Path, collector: str) -> tuple[Side, Side]:
    sides = Side(_bot(folder / "off", {})), Side(_bot(folder / "on", {"OTEL_EXPORTER_OTLP_ENDPOINT": collector}))
    async with httpx.AsyncClient() as client:
        for side in sides:
            await side.bot.start()
            await side.one_round(client)  # loads what is loaded once
        for turn in range(ROUNDS):
            for side in sides if turn % 2 else sides[::-1]:
                await side.one_round(client)
    for side in sides:
        await side.bot.end()
        del side.cpu_ms[0], side.wall_ms[0]
    return sides


def _bot(folder: Path, more: Mapping[str, str]) -> Bot:
    folder.mkdir()
    (folder / "firstfive.toml").touch()
    environment = {
        "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(folder, "firstfive.db"),
        "ARTIFACTS_URL": str(folder / "artifacts"),
        **more,
    }
    return Bot(free_port(), folder, environment)
