"""How long a slash command waits for its acknowledgement in Socket Mode, beside Bolt's own handler for it.

Both are processes of their own, each before a local Slack of its own, which takes the time; they are asked in turns,
and both commit a row before they answer. Ours also executes what it has acknowledged, as it does for real.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.bench_ack import settled
from tests.bench.figures import load, quantile, scratch, spread
from tests.bench.row import Row
from tests.bench.stock_bolt import running_stock_bolt
from tests.integration.emulator_process import ADA, APP_TOKEN, Emulator, eventually, running_emulator
from tests.stack import running_stack

ROUNDS, AT_ONCE = 8, (1, 16)
ASKED = {1: 20, 16: 5}
LIST = {"user": ADA, "channel": "general", "text": "/incident list"}


@dataclass
class Side:
    """One of the two: its Slack, and what its acknowledgements took, by how many at once and by round, in ms."""

    slack: Emulator
    took: dict[int, list[list[float]]] = field(default_factory=dict)

    async def one_round(self, folder: Path, at_once: int) -> None:
        """Deliver so many commands at once, a few times, when nothing else is under way."""
        seen = len(await self.slack.transcript())
        for _ in range(ASKED[at_once]):
            await settled(folder)
            answers = await asyncio.gather(*(self.slack.act("command", **LIST) for _ in range(at_once)))
            assert all(each["ok"] for each in answers)
        lines = [line for line in (await self.slack.transcript())[seen:] if line["what"] == "command"]
        self.took.setdefault(at_once, []).append([line["ms"] for line in lines])

    def p(self, share: float, at_once: int) -> float:
        """Give a quantile of everything measured, in milliseconds."""
        return quantile([one for each in self.took[at_once] for one in each], share)


def run() -> Iterable[Row]:
    """Measure in turns, then compare."""
    ours, stock = asyncio.run(_measure())
    for at_once in AT_ONCE:
        pairs = zip(ours.took[at_once], stock.took[at_once], strict=True)
        ratios = [median(other) / median(own) for own, other in pairs]
        tails = " / ".join(f"{side.p(0.5, at_once):.3g} {side.p(0.99, at_once):.3g}" for side in (ours, stock))
        notes = f"p50 and p99 in ms, ours / Bolt's: {tails}; by round {spread(ratios)}; {load()}"
        yield Row(f"durable, {at_once} at once, Bolt's / ours", median(ratios), "x", at_least=1, notes=notes)
        yield Row(f"durable, {at_once} at once, p99", ours.p(0.99, at_once), "ms", at_most=50)


async def _measure() -> tuple[Side, Side]:
    with scratch() as folder:
        async with (
            running_stack(folder, emulator_options=["--socket-mode"]) as stack,
            running_emulator("http://127.0.0.1:9/", "--socket-mode") as slack,
            running_stock_bolt(slack.api_url, folder / "stock.db", APP_TOKEN),
        ):
            sides = Side(stack.slack), Side(slack)
            for side in sides:
                await eventually(partial(connected, side.slack), 20)
            for turn in range(ROUNDS + 1):
                for at_once in AT_ONCE:
                    for side in sides if turn % 2 else sides[::-1]:
                        await side.one_round(folder, at_once)
            for side in sides:
                # The first round loads what is loaded once.
                side.took = {at_once: took[1:] for at_once, took in side.took.items()}
            return sides


async def connected(slack: Emulator) -> bool:
    return bool((await slack.read("state"))["socket_connections"])
