"""From kill -9 in the middle of the SOP to the first new entry, the restart included."""

import asyncio
import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.integration.emulator_process import eventually
from tests.lab import Lab, running_lab
from tests.stack import Stack, running_stack

AFTER_S = (0.3, 1.2, 2.4)
LONGEST_S = 30
LOOK_S = 0.25


def run() -> Iterable[Row]:
    """Kill it at three moments: while it declares, while it profiles, while it compares or later."""
    with running_lab() as lab:
        resumed, broken = zip(*[asyncio.run(_measure(lab, after_s)) for after_s in AFTER_S], strict=True)
    notes = f"{spread(resumed)}, killed after {AFTER_S} s; {load()}"
    yield Row("kill -9 to the next entry, worst", max(resumed), "s", at_most=5, notes=notes)
    yield Row("kill -9 to the next entry, median", median(resumed), "s", at_most=5, notes="restarted at once")
    yield Row("timelines broken", sum(broken), at_most=0, notes="firstfive verify after each")


async def _measure(lab: Lab, after_s: float) -> tuple[float, int]:
    with scratch() as folder:
        async with running_stack(folder, lab=lab) as stack:
            await stack.type("/incident start sev3 checkout 5xx after deploy")
            await eventually(lambda: _entries(stack))
            await asyncio.sleep(after_s)
            before = len(await _entries(stack))
            killed_at = datetime.now(UTC)
            await stack.bot.end(signal.SIGKILL)
            await stack.bot.start()
            entry = await eventually(lambda: _next(stack, before, killed_at), LONGEST_S)
            code, _, _ = await stack.run_cli("verify")
            return (_at(entry) - killed_at).total_seconds(), code


async def _entries(stack: Stack) -> list[dict[str, Any]]:
    rows = await stack.listed("/api/v1/incidents")
    entries: list[dict[str, Any]] = await stack.listed("/api/v1/incidents/INC-1/entries") if rows else []
    return entries


async def _next(stack: Stack, before: int, killed_at: datetime) -> dict[str, Any]:
    """Give the first entry after the kill; between the last look and the kill there may have been another."""
    await asyncio.sleep(LOOK_S)
    entries = (await _entries(stack))[before:]
    return next((entry for entry in entries if _at(entry) > killed_at), {})


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])
