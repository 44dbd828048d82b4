"""Every class of the lab, drilled by FirstFive alone: to the verdict on the card, and to the fix that was verified.

All on one lab behind its router, one after the other; beside the 4.2 minutes that locating a fault is said to take.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.domain.drills import Drilled
from bot.domain.scores import SEED_S
from tests.bench.figures import load, scratch
from tests.bench.row import Row
from tests.lab import behind, build, running_lab
from tests.stack import Stack, running_stack

MINUTES = 3
PATIENCE_S = 60 * MINUTES + 400
LOOK_S = 0.25


@dataclass(frozen=True)
class Drill:
    """How one went; `card_s` is from the fault to the verdict on the card, None if it never was there."""

    fault: str
    score: dict[str, Any]
    card_s: float | None

    def rows(self) -> Iterable[Row]:
        """Give its two figures; of what was never reached, what was said instead."""
        score, named = self.score, self.score.get("wrong") or "nothing"
        never = f"never: it named {named}" if not score.get("verdict_s") else ""
        yield _row(f"{self.fault}, fault to verdict on the card", self.card_s, never or f"within 4.2 min; {load()}")
        notes = f"taken back after {score.get('mitigated_s')} s; {score.get('how', 'not begun')}"
        yield _row(f"{self.fault}, fault to verified mitigation", score.get("verified_s"), notes)


def _row(name: str, figure: float | None, notes: str) -> Row:
    return Row(name, float("inf") if figure is None else figure, "s", at_most=SEED_S, notes=notes)


def run() -> Iterable[Row]:
    """Drill every class once."""
    for drill in asyncio.run(_measure()):
        yield from drill.rows()


async def _measure() -> list[Drill]:
    config = ["announcements = ''", f"drill_min = {MINUTES}", "[audits]", 'sumdb = ""']
    with scratch() as folder, running_lab(targets=2, sick="none", router=True) as lab:
        async with running_stack(folder, lab=lab, config=config, service=["lab = true", *behind(lab)]) as stack:
            await stack.slack.act("limits", on=False)
            await stack.type(f"/incident deploy checkout {' '.join(build(lab))}")
            return [await _drill(stack, fault.value, number) for number, fault in enumerate(Drilled, 1)]


async def _drill(stack: Stack, fault: str, number: int) -> Drill:
    await stack.type(f"/incident drill {fault} mend")
    deadline, seen_at = time.monotonic() + PATIENCE_S, None
    while time.monotonic() < deadline and not (over := await _ended(stack, number)):
        seen_at = seen_at or (time.time() if await _on_card(stack, fault) else None)
        await asyncio.sleep(LOOK_S)
    kept = (await stack.get("/api/v1/drills"))["drills"]
    score = dict(kept[0]) if over and kept and kept[0]["incident_id"] == f"INC-{number}" else {}
    card_s = round(seen_at - score["began_us"] / 1e6, 3) if seen_at and score.get("verdict_s") else None
    return Drill(fault, score, card_s)


async def _ended(stack: Stack, number: int) -> bool:
    rows = await stack.listed("/api/v1/incidents?ended=true")
    return any(row["id"] == f"INC-{number}" and row["status"] in {"resolved", "closed"} for row in rows)


async def _on_card(stack: Stack, fault: str) -> bool:
    channels = (await stack.slack.read("state"))["channels"]
    drills = [each for each in channels if str(each.get("name", "")).startswith("drill-") and each["pins"]]
    cards = [m for each in drills[-1:] for m in each["messages"] if m["ts"] in str(each["pins"])]
    return any(f"Verdict: {fault}" in str(card) for card in cards)
