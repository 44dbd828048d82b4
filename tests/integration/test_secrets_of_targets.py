"""A variable that a target's header comes from and that is not set is told at start, by name; the bot starts."""

from pathlib import Path

import aiohttp

from tests.databases import fresh_sqlite
from tests.samples import BOTS
from tests.stack import Bot, free_port

pytestmark = BOTS

CONFIG = """
[[services]]
name = "checkout"
[[services.targets]]
name = "checkout-1"
pprof = "http://127.0.0.1:1"
headers = { Authorization = "env:CHECKOUT_PPROF_TOKEN", X-Scope = "env:CHECKOUT_SCOPE" }
"""
SECRET = "q7w8e9-r0t1y2u3i4"


async def test_a_variable_that_is_not_set_is_told_at_start(tmp_path: Path) -> None:
    (tmp_path / "firstfive.toml").write_text(CONFIG)
    environment = {
        "FIRSTFIVE_CONFIG": str(tmp_path / "firstfive.toml"),
        "DATABASE_URL": fresh_sqlite(tmp_path, "firstfive.db"),
        "ARTIFACTS_URL": str(tmp_path / "artifacts"),
        "CHECKOUT_SCOPE": SECRET,
    }
    bot = Bot(free_port(), tmp_path, environment)
    await bot.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/health/ready") as answer:
            degraded = (await answer.json())["degraded"]
        _, doctor, _ = await bot.run_cli("doctor")
    finally:
        await bot.end()
    assert "CHECKOUT_PPROF_TOKEN" in bot.log
    assert "CHECKOUT_SCOPE" not in bot.log
    assert "CHECKOUT_PPROF_TOKEN" in degraded["targets"]
    assert "CHECKOUT_PPROF_TOKEN is not set in FirstFive's environment" in " ".join(doctor.split())
    assert SECRET not in bot.log + str(degraded) + doctor
