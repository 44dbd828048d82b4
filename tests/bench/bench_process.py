"""What the bot process costs by itself: how long until it is ready, and what it holds when nothing happens."""

import asyncio
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.integration.emulator_process import BOT_TOKEN, SECRET, running_emulator
from tests.stack import Bot, free_port

ROOT = Path(__file__).resolve().parents[2]
STARTS = 5
IDLE_S = 10.0
SLACK = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_APP_TOKEN": ""}
NO_SLACK = dict.fromkeys(SLACK, "")


def run() -> Iterable[Row]:
    """Start it again and again, once more than is counted; the last one may idle."""
    fresh, existing, bare, idle_mb, busy = asyncio.run(_measure())
    for name, starts in (("an existing", existing), ("no", fresh)):
        notes = f"{spread(starts)}, {median(busy):.2g} s of it CPU; incidentbot 2.0 s; {load()}"
        yield Row(f"cold start on {name} database", median(starts), "s", at_most=2, notes=notes)
    yield Row("cold start without Slack", median(bare), "s", notes=spread(bare))
    yield Row(f"memory, {IDLE_S:.0f} s idle", idle_mb, "MB", at_most=150, notes="resident; incidentbot 171 MB")
    packages = len(re.findall(r"^[\w.-]+==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    yield Row("packages of a core install", packages, at_most=74, notes="every platform's together; incidentbot 75")


async def _measure() -> tuple[list[float], list[float], list[float], float, list[float]]:
    fresh, existing, bare, busy = [], [], [], []
    with scratch() as folder:
        async with running_emulator("http://127.0.0.1:9/") as slack:
            for number in range(-1, STARTS):
                base = {
                    **compiled(folder),
                    "FIRSTFIVE_CONFIG": "",
                    "DATABASE_URL": f"sqlite:///{folder}/{number}.db",
                    "ARTIFACTS_URL": str(folder / "artifacts"),
                    "SLACK_API_URL": slack.api_url,
                }
                bot = Bot(free_port(), folder, {**base, **SLACK})
                fresh.append(await _start(bot))
                await bot.end()
                quiet = Bot(free_port(), folder, {**base, **NO_SLACK})
                bare.append(await _start(quiet))
                await quiet.end()
                existing.append(await _start(bot))
                busy.append(_processor_s(bot))
                if number == STARTS - 1:
                    await asyncio.sleep(IDLE_S)
                    idle_mb = _resident_mb(bot)
                await bot.end()
    return fresh[1:], existing[1:], bare[1:], idle_mb, busy[1:]


def compiled(folder: Path) -> dict[str, str]:
    """Keep bytecode, as an installed program does, whatever the surroundings say; the first start makes it."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


async def _start(bot: Bot) -> float:
    began = time.perf_counter()
    await bot.start()
    return time.perf_counter() - began


def _processor_s(bot: Bot) -> float:
    """Give the processor time used so far: the part of a start that other programs do not lengthen."""
    assert bot.process is not None
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(bot: Bot) -> float:
    assert bot.process is not None
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{bot.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e6
