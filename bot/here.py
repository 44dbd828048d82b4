"""What this machine knows of a target that runs on it: its kernel, the end of a log, packets."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.kernel import LocalKernel, NotHere, place_of
from bot.adapters.tail import read_tail
from bot.adapters.wire import watch
from bot.domain.addresses import Endpoint
from bot.domain.service import Target
from bot.domain.snapshot import LOG, PART_TIMEOUT_S, Captured, Part, missed, skipped

_THREADS = {"log": ThreadPoolExecutor(2, "logs"), "packets": ThreadPoolExecutor(8, "packets")}
"""Threads of their own: those that hang on a disk, or listen for seconds, are no one else's."""
_WHY_LATE = {"log": "does a disk hang?", "packets": "are others captured just now?"}


@dataclass(frozen=True)
class Here:
    """Asks this machine about targets whose vetted address is one of its own."""

    kernel: LocalKernel = field(default_factory=LocalKernel)

    async def capture(
        self, target: Target, endpoints: Sequence[Endpoint], parts: Sequence[Part]
    ) -> tuple[Captured, ...]:
        """Capture parts, each recorded whatever becomes of it; `endpoints` are the vetted ones, pprof first."""
        others = [part for part in parts if part.kind != "kernel"]
        kernel, rest = await asyncio.gather(
            self.kernel.capture(target, endpoints) if len(others) < len(parts) else _nothing(),
            asyncio.gather(*(_in_time(target, endpoints, part) for part in others)),
        )
        done = {each.part: each for each in (*kernel, *rest)}
        return tuple(done[part.name] for part in parts)


async def _in_time(target: Target, endpoints: Sequence[Endpoint], part: Part) -> Captured:
    """Capture a part, and wait no longer than it may take: a log may be on a disk that hangs."""
    loop, threads = asyncio.get_running_loop(), _THREADS[part.kind]
    try:
        async with asyncio.timeout(part.timeout_s):
            return await loop.run_in_executor(threads, _capture, target, endpoints, part)
    except TimeoutError:
        late = f"{target.name}: its {part.name} did not come in {part.timeout_s:g} s: {_WHY_LATE[part.kind]}"
        return missed(target.name, part, late, part.timeout_s)


async def _nothing() -> tuple[Captured, ...]:
    return ()


def _capture(target: Target, endpoints: Sequence[Endpoint], part: Part) -> Captured:
    try:
        place = place_of(endpoints)
    except NotHere as reason:
        return skipped(target.name, part, f"{target.name}: {reason}")
    if part.kind == LOG.kind:
        return _log(target)
    return watch(target.name, place.ports, round(part.timeout_s - PART_TIMEOUT_S))


def _log(target: Target) -> Captured:
    if not target.log:
        return skipped(target.name, LOG, f"{target.name}: no `log` is configured")
    return read_tail(target.name, Path(target.log))
