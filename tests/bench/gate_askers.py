"""Pipelines that ask a running bot's deploy gate, a few at a time: what `POST /gate` costs with all behind it."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp

from bot.domain.gate.evidence import Submission
from bot.domain.gate.policy import GatePolicy
from tests.databases import fresh_sqlite
from tests.stack import Bot, free_port

ASKERS = 4
WARM = 2 * ASKERS
TOKEN = "deploys-secret"


@dataclass(frozen=True)
class Asked:
    """What asking came to: decisions a second as pipelines see it, the CPU of the bot for each, and the slowest."""

    per_s: float
    cpu_ms: float
    slowest_ms: float


async def ask(folder: Path, policy: GatePolicy, submission: Submission, times: int) -> Asked:
    """Ask a bot of its own the same again and again, with proofs that differ by a byte, so that each is kept anew."""
    bot = Bot(free_port(), folder, _environment(folder, policy))
    await bot.start()
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            pipelines = _Pipelines(bot, session, submission)
            await pipelines.run(WARM)
            pipelines.took.clear()
            began, cpu_s = time.perf_counter(), _cpu_s(bot)
            await pipelines.run(times)
            elapsed_s, cpu_s = time.perf_counter() - began, _cpu_s(bot) - cpu_s
    finally:
        await bot.end()
    return Asked(times / elapsed_s, 1_000 * cpu_s / times, 1_000 * max(pipelines.took))


class _Pipelines:
    def __init__(self, bot: Bot, session: aiohttp.ClientSession, submission: Submission) -> None:
        self._bot, self._session, self._submission = bot, session, submission
        self._numbers = count(1)
        self.took: list[float] = []

    async def run(self, times: int) -> None:
        left = iter(range(times))
        await asyncio.gather(*(self._ask_on(left) for _ in range(ASKERS)))

    async def _ask_on(self, left: Iterator[int]) -> None:
        for _ in left:
            number = next(self._numbers)
            shown = {"proofs": self._submission.proofs + "\n" * number, "digest": self._submission.digest}
            body = json.dumps({"service": "checkout", "release": f"v1.{number}", "by": "Ada", **shown})
            began = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            async with self._session.post(f"{self._bot.url}/gate", data=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            self.took.append(time.perf_counter() - began)


def _environment(folder: Path, policy: GatePolicy) -> dict[str, str]:
    rules = ", ".join(f'{{name = "{each.name}", below = "{each.below}"}}' for each in policy.forbidden)
    config = [
        "[[services]]",
        'name = "checkout"',
        "[services.gate]",
        f"keys = {json.dumps(policy.keys)}",
        f"sbom = {json.dumps(policy.sbom)}",
        f"builders = {json.dumps(policy.builders)}",
        f"forbidden = [{rules}]",
        *([f"max_age_h = {policy.max_age_h}"] if policy.max_age_h else []),
    ]
    (folder / "firstfive.toml").write_text("\n".join(config))
    return {
        "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(folder),
        "ARTIFACTS_URL": str(folder / "artifacts"),
        "FIRSTFIVE_DEPLOYS_TOKEN": TOKEN,
        **dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"), ""),
    }


def _cpu_s(bot: Bot) -> float:
    assert bot.process is not None
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
