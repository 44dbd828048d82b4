"""What a command costs at the door with 10 verbs and with 200: found, parsed, admitted and acknowledged, in memory."""

import asyncio
import time
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType

import playbooks
from bot.adapters import logs
from bot.engine.playbook import Registry, load
from tests.bench.figures import load as load_now
from tests.bench.figures import spread
from tests.bench.row import Row
from tests.unit.handlers.slack_door import Door, open_door

FEW, MANY = 10, 200
ROUNDS, EACH = 40, 25
FIRST = ("note", "status", "severity")
COMMANDS = {
    "a verb": "note it is the cache",
    "a wrong value": "severity sev9",
    "no verb": "nodiagnosis of it",
}
TRIGGERS = iter(range(10**9))


@dataclass
class Side:
    """A door with so many verbs, and what each command took of the processor there, by round, in microseconds."""

    door: Door
    took: dict[str, list[float]] = field(default_factory=dict)

    async def one_round(self, what: str) -> None:
        """Type a command again and again."""
        taken = []
        for _ in range(EACH):
            began = time.process_time()
            answer = await self.door.command(COMMANDS[what], trigger_id=f"{next(TRIGGERS)}.1")
            taken.append((time.process_time() - began) * 1e6)
            assert answer.status_code == 200, answer.text
        self.took.setdefault(what, []).append(median(taken))


def run() -> Iterable[Row]:
    """Measure in turns, then compare round by round."""
    logs.configure("WARNING")
    few, many = asyncio.run(_measure())
    for what in COMMANDS:
        ratios = [much / little for little, much in zip(few.took[what], many.took[what], strict=True)]
        notes = f"{median(few.took[what]):.0f} -> {median(many.took[what]):.0f} us; {spread(ratios)}; {load_now()}"
        # What is no verb is compared with each of them, for "did you mean".
        bound = None if what == "no verb" else 1.05
        yield Row(f"{what}, {MANY} verbs / {FEW}", median(ratios), "x", at_most=bound, notes=notes)


async def _measure() -> tuple[Side, Side]:
    sides = Side(open_door(registry=registry_of(FEW))), Side(open_door(registry=registry_of(MANY)))
    for turn in range(ROUNDS + 2):
        for what in COMMANDS:
            # Whoever is first in one turn is second in the next.
            for side in sides if turn % 2 else sides[::-1]:
                side.door.store.now.runs.clear()
                await side.one_round(what)
    for side in sides:
        # The first two turns load what is loaded once.
        side.took = {what: took[2:] for what, took in side.took.items()}
        await side.door.client.aclose()
    return sides


def registry_of(verbs: int) -> Registry:
    """Give a registry of so many verbs."""
    ours = dict(load(playbooks))
    names = [*FIRST, *(name for name in ours if name not in FIRST)][:verbs]
    made = {name: ours[name] for name in names}
    for number in range(verbs - len(made)):
        name = f"verb{number}"
        made[name] = copied = copy(ours["note"])
        copied.name = name
    return MappingProxyType(made)
