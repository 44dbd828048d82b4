"""What a look at how a target shakes hands takes, at a real nginx with an authority of its own."""

import asyncio
import time
from collections.abc import Iterable
from statistics import median

from bot.adapters.targets.handshake import TlsHandshakes
from bot.domain.service import Target
from bot.domain.snapshot import TLS
from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.sites import running_site

LOOKS, TARGETS = 100, 10


def run() -> Iterable[Row]:
    """Look at a whole chain, at one without its intermediate (which is met twice), and at ten targets at once."""
    with scratch() as folder, running_site(folder) as site:
        whole, alone = site.target("full"), site.target("leaf")
        for name, targets in (("whole chain", [whole]), ("leaf alone", [alone]), ("ten at once", [whole] * TARGETS)):
            took, processor = asyncio.run(_looks(targets))
            notes = f"{spread(took)}, {processor:.2g} ms of it our CPU; {load()}"
            yield Row(f"handshake: {name}, a target", median(took), "ms", at_most=5, notes=notes)


async def _looks(targets: list[Target]) -> tuple[list[float], float]:
    """Give what each look took, in ms for each target, and their mean CPU; the first loads what is loaded once."""
    looks, began = TlsHandshakes(_here), 0.0
    took: list[float] = []
    for number in range(LOOKS + 1):
        if number == 1:
            took, began = [], time.process_time()
        asked = time.perf_counter()
        await asyncio.gather(*(looks.capture(target, TLS) for target in targets))
        took.append(1000 * (time.perf_counter() - asked) / len(targets))
    return took, 1000 * (time.process_time() - began) / LOOKS / len(targets)


async def _here(_host: str, _port: int) -> tuple[str, ...]:
    return ("127.0.0.1",)
