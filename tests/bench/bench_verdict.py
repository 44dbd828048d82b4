"""From the beginning of a capture to the verdict, on the lab's real targets, one of them leaking goroutines.

Each measurement has a bot and a database of its own: a service is profiled once in two minutes only.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.integration.emulator_process import eventually
from tests.lab import Lab, running_lab
from tests.stack import Stack, running_stack

ROUNDS = {1: 2, 10: 2, 30: 2}
LONGEST_S = 90
PROFILE_S = 2
LOOK_S = 0.25


@dataclass(frozen=True)
class Told:
    """Seconds to the verdict, from the capture's beginning and from the incident's; what the verdict was."""

    captured: float
    opened: float
    verdict: str
    lost: int


def run() -> Iterable[Row]:
    """Measure with one target, with ten and with thirty."""
    for targets, rounds in ROUNDS.items():
        told = asyncio.run(_measure(targets, rounds))
        seconds = [each.captured for each in told]
        verdicts, lost = sorted({each.verdict for each in told}), sum(each.lost for each in told)
        notes = f"{spread(seconds)}; {PROFILE_S} s of it CPU profile; verdict {verdicts}; {lost} parts lost; {load()}"
        yield Row(f"{targets} targets, capture to verdict", median(seconds), "s", at_most=4, notes=notes)
        opened = [each.opened for each in told]
        yield Row(f"{targets} targets, incident to verdict", median(opened), "s", notes=spread(opened))


async def _measure(targets: int, rounds: int) -> list[Told]:
    with running_lab(targets=targets) as lab:
        return [await _once(lab) for _ in range(rounds)]


async def _once(lab: Lab) -> Told:
    with scratch() as folder:
        async with running_stack(folder, lab=lab) as stack:
            await stack.type("/incident start sev3 checkout 5xx after deploy")
            entries = await eventually(lambda: _entries(stack), LONGEST_S)
    began = _first(entries, "step started", step="capture")
    verdict = _first(entries, "verdict")
    lost = _first(entries, "artifact")["body"]["losses"]
    captured = _at(verdict) - _at(began)
    opened = _at(verdict) - _at(_first(entries, "opened"))
    return Told(captured.total_seconds(), opened.total_seconds(), str(verdict["body"]["verdict"]), len(lost))


async def _entries(stack: Stack) -> list[dict[str, Any]]:
    """Give the timeline once it has its verdict; asked seldom, since asking takes the bot's time."""
    await asyncio.sleep(LOOK_S)
    rows = await stack.listed("/api/v1/incidents")
    entries: list[dict[str, Any]] = await stack.listed("/api/v1/incidents/INC-1/entries") if rows else []
    return entries if any(entry["kind"] == "verdict" for entry in entries) else []


def _first(entries: Iterable[dict[str, Any]], kind: str, **body: str) -> dict[str, Any]:
    return next(e for e in entries if e["kind"] == kind and all(e["body"][key] == body[key] for key in body))


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])
