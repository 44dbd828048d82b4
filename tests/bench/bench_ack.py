"""How long a person's slash command waits for its acknowledgement, beside Bolt as its documentation shows it.

Both are processes of their own on uvicorn, called by the same client in turns. Ours also executes what it has
acknowledged, as it does for real. "Alone" is a command that comes while nothing else is under way, into a process
that has just answered others; "at once" are sixteen in the same moment; "without a pause" leaves no moment between.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.commands import Caller
from tests.bench.figures import load, quantile, scratch, spread
from tests.bench.row import Row
from tests.bench.stock_bolt import running_stock_bolt
from tests.integration.emulator_process import eventually
from tests.stack import running_stack

ROUNDS, FLOOD, ALONE, BURSTS, WARM = 6, 50, 14, 6, 3
AT_ONCE = 16
RESTS_S = 0.02
UNFINISHED = (
    "SELECT (SELECT count(*) FROM run WHERE status IN ('queued', 'running'))"
    " + (SELECT count(*) FROM reply WHERE outcome = '')"
)


@dataclass
class Side:
    """One of the two: its commands with a durable write and without one, and what they took, by measurement."""

    kept: Caller
    plain: Caller
    took: dict[str, list[list[float]]] = field(default_factory=dict)

    async def one_round(self, folder: Path) -> None:
        """Take every measurement once."""
        self._took("plain", await self.plain.flood(1, FLOOD))
        alone, at_once = [], []
        for _ in range(ALONE):
            await settled(folder)
            await self.plain.flood(1, WARM)
            alone += await self.kept.burst(1)
        for _ in range(BURSTS):
            await settled(folder)
            at_once += await self.kept.burst(AT_ONCE)
        self._took("alone", alone)
        self._took("at once", at_once)
        self._took("flood", await self.kept.flood(AT_ONCE, AT_ONCE * BURSTS))
        await settled(folder)

    def p(self, share: float, what: str) -> float:
        """Give a quantile of everything measured, in milliseconds."""
        return quantile([one for each in self.took[what] for one in each], share)

    def p50(self, what: str) -> float:
        """Give the median over the rounds of their medians, in milliseconds."""
        return median(median(each) for each in self.took[what])

    def _took(self, what: str, took: list[float]) -> None:
        self.took.setdefault(what, []).append(took)


def run() -> Iterable[Row]:
    """Measure in turns, then compare."""
    ours, stock, lost = asyncio.run(_measure())
    yield ratio("without a write, Bolt's / ours", ours, stock, "plain", at_least=10)
    yield ratio("with a durable write, alone, Bolt's / ours", ours, stock, "alone", at_least=5)
    yield ratio(f"with a durable write, {AT_ONCE} at once, Bolt's / ours", ours, stock, "at once")
    yield ratio(f"with a durable write, {AT_ONCE} without a pause, Bolt's / ours", ours, stock, "flood")
    yield Row("durable, alone, p99", ours.p(0.99, "alone"), "ms", notes=both("Bolt", stock, "alone"))
    yield Row(f"durable, {AT_ONCE} at once, p99", ours.p(0.99, "at once"), "ms", at_most=50, notes=load())
    yield Row(
        f"durable, {AT_ONCE} without a pause, p99", ours.p(0.99, "flood"), "ms", notes="commands executed besides"
    )
    yield Row("acknowledged and lost", lost, at_most=0, notes=f"of {ours.kept.sent} commands")


def ratio(name: str, ours: Side, stock: Side, what: str, at_least: float | None = None) -> Row:
    """Compare medians."""
    rounds = [median(other) / median(own) for own, other in zip(ours.took[what], stock.took[what], strict=True)]
    medians = f"p50 / p99 in ms: {both('ours', ours, what)}, {both('Bolt', stock, what)}"
    notes = f"{medians}; by round {spread(rounds)}; {load()}"
    return Row(name, stock.p50(what) / ours.p50(what), "x", at_least=at_least, notes=notes)


def both(name: str, side: Side, what: str) -> str:
    """Write median and tail."""
    return f"{name} {side.p50(what):.3g} / {side.p(0.99, what):.3g}"


async def _measure() -> tuple[Side, Side, int]:
    with scratch() as folder:
        async with (
            running_stack(folder) as stack,
            running_stock_bolt(stack.slack.api_url, folder / "stock.db") as bolt,
        ):
            door, answers = f"{stack.bot.url}/slack/events", f"{bolt}/respond"
            # A severity that there is not: parsed, refused and answered like every command, and never written.
            ours = Side(Caller(door, "list", answers), Caller(door, "severity sev9", answers))
            stock = Side(Caller(f"{bolt}/kept", "list", answers), Caller(f"{bolt}/plain", "list", answers))
            for caller in (ours.kept, ours.plain, stock.kept, stock.plain):
                await caller.flood(1, 2 * AT_ONCE)
            for _ in range(ROUNDS):
                for side in (ours, stock):
                    await side.one_round(folder)
            return ours, stock, ours.kept.sent - asked(folder, "SELECT count(*) FROM run")


async def settled(folder: Path) -> None:
    """Return when nothing that was acknowledged is still executed or answered."""

    async def finished() -> bool:
        return not asked(folder, UNFINISHED)

    await eventually(finished, 60)
    await asyncio.sleep(RESTS_S)


def asked(folder: Path, question: str) -> int:
    """Ask our database, from outside, for a number."""
    connection = sqlite3.connect(f"file:{folder / 'firstfive.db'}?mode=ro", uri=True)
    try:
        found: int = connection.execute(question).fetchone()[0]
        return found
    finally:
        connection.close()
